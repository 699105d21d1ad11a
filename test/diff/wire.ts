// One server as a scenario sees it: raw unary calls with our generated codecs, answered by a message or by (code, text, details). Nothing is
// retried and nothing is mapped, so that what is compared is what came over the wire.
import * as api from '@antiphon/proto';
import * as admin from '@antiphon/proto/admin';
import { Status } from '@antiphon/proto/google';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  operationName,
  type RequestOf,
  type ResponseOf,
  SERVICE_DEFINITIONS,
  type ServiceName,
  type UnaryDefinition,
} from '#rpc';

/** A message of which only some fields are given; the others have their defaults. */
export type Loose<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly Loose<U>[]
    : T extends { $case: infer C; value: infer V }
      ? { $case: C; value: Loose<V> }
      : { [K in keyof T]?: Loose<T[K]> | undefined };

export interface WireError {
  readonly code: string;
  readonly message: string;
  /** Of the details' messages: name and fields. */
  readonly details: readonly { readonly type: string; readonly fields: unknown }[];
}

export type Outcome<R> =
  | { readonly answer: R; readonly error?: undefined }
  | { readonly answer?: undefined; readonly error: WireError };

export interface CallOptions {
  readonly timeoutMs?: number;
  /** Added to the client's metadata; an empty value removes a key. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type WireService<S> = {
  readonly [M in keyof S]: (
    request: Loose<RequestOf<S[M]>>,
    options?: CallOptions,
  ) => Promise<Outcome<ResponseOf<S[M]>>>;
};
export type Wire = { readonly [K in ServiceName]: WireService<(typeof SERVICE_DEFINITIONS)[K]> };

export interface WireClient {
  readonly services: Wire;
  close(): void;
}

interface Codec {
  fromPartial(partial: unknown): unknown;
  decode(bytes: Uint8Array): unknown;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const HEADERS: Readonly<Record<string, string>> = {
  'rpc-caller': 'antiphon-diff',
  'rpc-service': 'cadence-frontend',
  'rpc-encoding': 'proto',
  'cadence-client-name': 'uber-go',
  'cadence-client-feature-version': '1.7.0',
  'cadence-client-library-version': '1.3.0',
  'cadence-client-feature-flags': '{"WorkflowExecutionAlreadyCompletedErrorEnabled":true}',
};

export function openWire(address: string): WireClient {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc.max_send_message_length': 64 * 1024 * 1024,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
  const services: Record<string, Record<string, unknown>> = {};
  for (const [name, definitions] of Object.entries(SERVICE_DEFINITIONS)) {
    const methods: Record<string, unknown> = {};
    for (const [method, definition] of Object.entries<UnaryDefinition>(definitions)) {
      const codec = codecOf(name, `${operationName(definition.path)}Request`) as Codec;
      methods[method] = (request: unknown, options: CallOptions = {}) =>
        unary(client, definition, codec.fromPartial(request), options);
    }
    services[name] = methods;
  }
  return { services: services as unknown as Wire, close: () => client.close() };
}

// The generated modules export one codec a message, under the message's name.
const codecOf = (service: string, name: string): Codec | undefined =>
  ((service === 'admin' ? admin : api) as unknown as Record<string, Codec | undefined>)[name];

function metadataOf(headers: Readonly<Record<string, string>> | undefined): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries({ ...HEADERS, ...headers })) if (value !== '') metadata.set(key, value);
  return metadata;
}

function unary(
  client: Client,
  definition: UnaryDefinition,
  request: unknown,
  options: CallOptions,
): Promise<Outcome<unknown>> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      definition.path,
      definition.requestSerialize as (value: unknown) => Buffer,
      definition.responseDeserialize as (value: Buffer) => unknown,
      request,
      metadataOf(options.headers),
      // A negative time asks for no deadline at all.
      (options.timeoutMs ?? 0) < 0 ? {} : { deadline: Date.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) },
      (error, answer) => resolve(error === null ? { answer } : { error: wireError(error) }),
    );
  });
}

function wireError(error: ServiceError): WireError {
  const bytes = error.metadata?.get('grpc-status-details-bin')[0];
  const details = bytes === undefined ? [] : Status.decode(bytes as Buffer).details;
  return {
    code: status[error.code] ?? String(error.code),
    // Server and client race to say it, each in its own words.
    message: error.code === status.DEADLINE_EXCEEDED ? '<the time is over>' : error.details,
    details: details.map(({ typeUrl, value }) => {
      const name = typeUrl.slice(typeUrl.lastIndexOf('.') + 1);
      return { type: name, fields: codecOf('', name)?.decode(value) ?? value };
    }),
  };
}
