// The CLI's gRPC connection. One client per service, promises instead of callbacks, a deadline on every call.
import {
  DomainAPIClient,
  MetaAPIClient,
  VisibilityAPIClient,
  WorkerAPIClient,
  WorkflowAPIClient,
} from '@antiphon/proto';
import { AdminAPIClient } from '@antiphon/proto/admin';
import {
  type Client,
  credentials,
  type ServiceError as GrpcError,
  type Metadata,
  Metadata as MetadataClass,
} from '@grpc/grpc-js';
import { CliError, failureOf } from './failure.ts';

type Callback<R> = (error: GrpcError | null, response: R) => void;
type Unary<Q, R> = (request: Q, metadata: Metadata, options: { deadline: number }, callback: Callback<R>) => unknown;
/** The unary methods of a generated client, as promises. */
type Promised<C> = {
  [K in keyof C as C[K] extends Unary<infer _Q, infer _R> ? K : never]: C[K] extends Unary<infer Q, infer R>
    ? (request: Q, options?: { timeoutMs?: number }) => Promise<R>
    : never;
};

export interface Connection {
  readonly address: string;
  readonly workflow: Promised<WorkflowAPIClient>;
  readonly worker: Promised<WorkerAPIClient>;
  readonly domain: Promised<DomainAPIClient>;
  readonly visibility: Promised<VisibilityAPIClient>;
  readonly meta: Promised<MetaAPIClient>;
  readonly admin: Promised<AdminAPIClient>;
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

function metadata(): Metadata {
  const values = new MetadataClass();
  values.set('rpc-caller', 'antiphon-cli');
  values.set('rpc-service', 'cadence-frontend');
  values.set('rpc-encoding', 'proto');
  values.set('cadence-client-name', 'cli');
  values.set('cadence-client-feature-version', '1.7.0');
  values.set('cadence-client-feature-flags', '{"WorkflowExecutionAlreadyCompletedErrorEnabled":true}');
  values.set('cadence-caller-type', 'cli');
  return values;
}

function promised<C extends Client>(client: C, address: string): Promised<C> {
  return new Proxy({} as Promised<C>, {
    get:
      (_target, method: string) =>
      (request: unknown, options: { timeoutMs?: number } = {}) =>
        new Promise((resolve, reject) => {
          const call = (client as unknown as Record<string, Unary<unknown, unknown>>)[method];
          if (call === undefined) {
            reject(new CliError(`the client has no method ${method}`));
            return;
          }
          const deadline = Date.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
          call.call(client, request, metadata(), { deadline }, (error, response) => {
            if (error) reject(failureOf(error, address));
            else resolve(response);
          });
        }),
  });
}

export function connect(address: string): Connection {
  const options = {
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  };
  const channel = credentials.createInsecure();
  const clients = {
    workflow: new WorkflowAPIClient(address, channel, options),
    worker: new WorkerAPIClient(address, channel, options),
    domain: new DomainAPIClient(address, channel, options),
    visibility: new VisibilityAPIClient(address, channel, options),
    meta: new MetaAPIClient(address, channel, options),
    admin: new AdminAPIClient(address, channel, options),
  };
  return {
    address,
    workflow: promised(clients.workflow, address),
    worker: promised(clients.worker, address),
    domain: promised(clients.domain, address),
    visibility: promised(clients.visibility, address),
    meta: promised(clients.meta, address),
    admin: promised(clients.admin, address),
    close: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}
