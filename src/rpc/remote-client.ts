// A typed client of a frontend in another process: forwarding between regions, replication pulls, the CLI and benchmarks. One promise
// function per RPC; statuses come back as the ServiceErrors they were. Connecting is lazy and repeats by itself.
import { Client, type CallOptions as GrpcCallOptions, type ServiceError as GrpcError, Metadata } from '@grpc/grpc-js';
import { unavailable } from '#base';
import type { Env } from '#env';
import { METADATA } from './call-context.ts';
import { errorFromStatus } from './errors.ts';
import {
  type RequestOf,
  type ResponseOf,
  SERVICE_DEFINITIONS,
  type ServiceName,
  type UnaryDefinition,
} from './service-handlers.ts';
import { type ClientTls, clientCredentials, clientTlsOptions } from './tls-credentials.ts';

export interface RemoteCallOptions {
  /** Unix milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** From now; ignored when `deadlineMs` is given. */
  readonly timeoutMs?: number | undefined;
  /** Replaces the client's own. */
  readonly metadata?: Metadata | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ServiceClient<S> = {
  readonly [M in keyof S]: (request: RequestOf<S[M]>, options?: RemoteCallOptions) => Promise<ResponseOf<S[M]>>;
};

export type FrontendClient = { readonly [K in ServiceName]: ServiceClient<(typeof SERVICE_DEFINITIONS)[K]> };

export interface RemoteFrontendClient extends FrontendClient {
  readonly address: string;
  /** Resolves when a connection stands; Unavailable when none does within the time. */
  waitForReady(timeoutMs: number): Promise<void>;
  close(): void;
}

export interface RemoteFrontendClientOptions {
  readonly env: Env;
  /** `rpc-caller`. */
  readonly callerName?: string;
  readonly callerType?: string;
  /** A JWT, or where to get one for each call: it ends sooner than the client. */
  readonly authorization?: string | (() => Promise<string>) | undefined;
  /** Without it the connection is plain text. */
  readonly tls?: ClientTls | undefined;
  /** More metadata of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly defaultTimeoutMs?: number;
  readonly maxMessageBytes?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export function createRemoteFrontendClient(
  address: string,
  options: RemoteFrontendClientOptions,
): RemoteFrontendClient {
  const { env } = options;
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  const client = new Client(address, clientCredentials(options.tls, address), {
    ...clientTlsOptions(options.tls, address),
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // A region that was away is found again within seconds, not after the default's two minutes.
    'grpc.initial_reconnect_backoff_ms': 200,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
  });
  const metadata = ownMetadata(options);
  const timeoutMs = options.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS;
  const { authorization } = options;
  const call =
    (definition: UnaryDefinition) =>
    (request: unknown, callOptions: RemoteCallOptions = {}): Promise<unknown> => {
      const { signal } = callOptions;
      const deadlineMs = callOptions.deadlineMs ?? env.clock.nowMs() + (callOptions.timeoutMs ?? timeoutMs);
      const send = (own: Metadata) => unaryCall(client, definition, request, { metadata: own, deadlineMs, signal });
      if (callOptions.metadata !== undefined) return send(callOptions.metadata);
      return typeof authorization === 'function'
        ? authorization().then((token) => send(withToken(metadata, token)))
        : send(metadata);
    };
  return {
    ...mapServices(call),
    address,
    waitForReady: (waitMs) =>
      new Promise((resolve, reject) => {
        client.waitForReady(env.clock.nowMs() + waitMs, (error) => {
          if (error === undefined) resolve();
          else reject(unavailable(`${address} is not reachable: ${error.message}`, { cause: error }));
        });
      }),
    close: () => client.close(),
  };
}

/** Builds the client's functions, one per definition. The types tie each to its definition; the builder is untyped. */
export function mapServices(call: (definition: UnaryDefinition) => unknown): FrontendClient {
  const services: Record<string, Record<string, unknown>> = {};
  for (const [name, definitions] of Object.entries(SERVICE_DEFINITIONS)) {
    const methods: Record<string, unknown> = {};
    for (const [method, definition] of Object.entries<UnaryDefinition>(definitions)) methods[method] = call(definition);
    services[name] = methods;
  }
  return services as unknown as FrontendClient;
}

function ownMetadata(options: RemoteFrontendClientOptions): Metadata {
  const metadata = new Metadata();
  metadata.set(METADATA.callerName, options.callerName ?? 'antiphon');
  metadata.set(METADATA.service, 'cadence-frontend');
  metadata.set(METADATA.encoding, 'proto');
  metadata.set(METADATA.callerType, options.callerType ?? 'internal');
  metadata.set(METADATA.featureFlags, '{"WorkflowExecutionAlreadyCompletedErrorEnabled":true}');
  if (typeof options.authorization === 'string') metadata.set(METADATA.authorization, options.authorization);
  for (const [key, value] of Object.entries(options.headers ?? {})) metadata.set(key, value);
  return metadata;
}

function withToken(metadata: Metadata, token: string): Metadata {
  const own = metadata.clone();
  if (token !== '') own.set(METADATA.authorization, token);
  return own;
}

function unaryCall(
  client: Client,
  definition: UnaryDefinition,
  request: unknown,
  options: { metadata: Metadata; deadlineMs: number; signal: AbortSignal | undefined },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const onAbort = (): void => call.cancel();
    const done = (error: GrpcError | null, response: unknown): void => {
      signal?.removeEventListener('abort', onAbort);
      if (error === null) resolve(response);
      else reject(errorFromStatus(error));
    };
    const callOptions: GrpcCallOptions = { deadline: options.deadlineMs };
    const call = client.makeUnaryRequest(
      definition.path,
      definition.requestSerialize as (value: unknown) => Buffer,
      definition.responseDeserialize as (value: Buffer) => unknown,
      request,
      options.metadata,
      callOptions,
      done,
    );
    if (signal?.aborted) call.cancel();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
