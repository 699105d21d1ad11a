// The gRPC door of a host: all services of Cadence's API, health and reflection on one port. It owns admission (how many calls at once,
// how large a message), keepalive and the graceful end; what the calls do is in the handlers it is given.
// Without authentication it listens on loopback only, unless `insecure` says otherwise.
import { isIP } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { Env } from '#env';
import { addHealthService } from './health.ts';
import { type Authenticate, addReflectionService, REFLECTION_SERVICES } from './reflection.ts';
import { SERVICE_DEFINITIONS, type ServiceName, type Services, type UnaryDefinition } from './service-handlers.ts';
import { type ServerTls, serverCredentials } from './tls-credentials.ts';
import {
  type Admission,
  servedDefinition,
  type UntypedHandler,
  unaryHandler,
  unexpectedErrorLog,
} from './unary-dispatch.ts';
import { serveUnaryStreams, type UnaryMethod } from './unary-stream.ts';

export interface GrpcServerOptions {
  readonly env: Env;
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  readonly services: Services;
  /** Of one message, both ways. A page of 1000 events does not fit the usual 4 MiB. */
  readonly maxMessageBytes?: number;
  /** Long polls included. */
  readonly maxConcurrentCalls?: number;
  readonly maxStreamsPerConnection?: number;
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Without it the listener is plain text. */
  readonly tls?: ServerTls | undefined;
  /** Rejects callers who do not prove who they are. For what is served beside the handlers (reflection); those ask by themselves. */
  readonly authenticate?: Authenticate | undefined;
  /** Allows an address that is not loopback although calls are not authenticated. */
  readonly insecure?: boolean;
}

export interface GrpcServer {
  start(): Promise<{ readonly address: string; readonly port: number }>;
  /** Refuses new calls, waits up to `graceMs` for those in flight, then closes the connections. */
  stop(graceMs?: number): Promise<void>;
  setServing(serving: boolean): void;
  activeCalls(): number;
}

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const MAX_CONCURRENT_CALLS = 50_000;
const MAX_STREAMS_PER_CONNECTION = 20_000;
// Pings find dead peers behind NATs; idle connections of pollers are kept for ever.
const KEEPALIVE_TIME_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
const STOP_GRACE_MS = 5_000;

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { env, address } = options;
  const host = requireBindable(address, options.insecure === true || options.authenticate !== undefined);
  const maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
  const admission: Admission = {
    active: 0,
    max: options.maxConcurrentCalls ?? MAX_CONCURRENT_CALLS,
    draining: false,
  };
  // Request headers are bounded by Node's HTTP/2: 64 KiB and 128 pairs a call.
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': options.maxStreamsPerConnection ?? MAX_STREAMS_PER_CONNECTION,
    'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_channelz': 0,
  });
  const { names, methods } = addServices(server, options.services, admission, env);
  serveUnaryStreams(server, methods, { env, maxMessageBytes });
  const health = addHealthService(server, new Set(names));
  addReflectionService(server, [...names, 'grpc.health.v1.Health', ...REFLECTION_SERVICES], options.authenticate);
  return {
    async start() {
      const port = await bindServer(server, address, options.tls);
      health.setServing(true);
      return { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },
    async stop(graceMs = STOP_GRACE_MS) {
      admission.draining = true;
      health.setServing(false);
      await shutDownServer(server, env, graceMs);
    },
    setServing: (serving) => health.setServing(serving),
    activeCalls: () => admission.active,
  };
}

interface Served {
  readonly names: readonly string[];
  readonly methods: readonly UnaryMethod[];
}

function addServices(server: Server, services: Services, admission: Admission, env: Env): Served {
  const names: string[] = [];
  const methods: UnaryMethod[] = [];
  for (const [key, definitions] of Object.entries(SERVICE_DEFINITIONS)) {
    const handlers = services[key as ServiceName]; // Keys of the constant itself.
    const served: Record<string, ReturnType<typeof servedDefinition>> = {};
    const implementation: Record<string, ReturnType<typeof unaryHandler>> = {};
    for (const [method, definition] of Object.entries<UnaryDefinition>(definitions)) {
      const own = servedDefinition(definition);
      served[method] = own;
      // The type of `Services` ties each handler to its definition; here they meet untyped.
      const handler = (handlers as Readonly<Record<string, UntypedHandler>> | undefined)?.[method];
      const handle = unaryHandler(definition, handler, admission, env);
      implementation[method] = handle;
      methods.push(unaryMethod(own, handle, env));
    }
    server.addService(served as ServiceDefinition, implementation);
    const path = Object.values<UnaryDefinition>(definitions)[0]?.path ?? '';
    names.push(path.slice(1, path.lastIndexOf('/')));
  }
  return { names, methods };
}

const unaryMethod = (
  definition: ReturnType<typeof servedDefinition>,
  handle: UnaryMethod['handle'],
  env: Env,
): UnaryMethod => ({
  path: definition.path,
  decode: definition.requestDeserialize,
  encode: definition.responseSerialize,
  handle,
  report: unexpectedErrorLog(env, { component: 'grpc', procedure: definition.path.slice(1) }),
});

export function bindServer(server: Server, address: string, tls: ServerTls | undefined): Promise<number> {
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : serverCredentials(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

export function shutDownServer(server: Server, env: Env, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = env.scheduler.after(graceMs, () => server.forceShutdown());
    server.tryShutdown((error) => {
      timer.cancel();
      if (error !== undefined) env.logger.warn('gRPC server did not stop cleanly', { error });
      resolve();
    });
  });
}

/** The host of host:port. */
export function requireAddress(address: string): string {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new Error(`address ${address} is not host:port`);
  return host;
}

/** The host of host:port. @throws when calls would come unauthenticated from other machines. */
export function requireBindable(address: string, insecure: boolean): string {
  const host = requireAddress(address);
  if (!insecure && !isLoopback(host)) {
    throw new Error(
      `refusing to listen on ${address}: calls are not authenticated, so only loopback addresses are allowed. ` +
        'Set `frontend.insecure: true` if the network itself is trusted.',
    );
  }
  return host;
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Of host:port. */
export const isLoopbackAddress = (address: string): boolean => isLoopback(requireAddress(address));
