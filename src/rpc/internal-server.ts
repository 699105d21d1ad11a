// The listener for calls of the other hosts of the region. It trusts what they say (requests are validated and authorized already), so whoever
// can reach it can do everything: beyond loopback it wants mTLS, or an explicit word that the network is trusted.
import { Server, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js';
import { ServiceError, type ServiceErrorKind, unavailable } from '#base';
import type { Env } from '#env';
import { createCallContext } from './call-context.ts';
import type { CallOptions } from './clients.ts';
import { isUnexpected } from './errors.ts';
import { bindServer, isLoopback, requireAddress, shutDownServer } from './grpc-server.ts';
import { internalStatusFromError } from './internal-errors.ts';
import { createHostHandlers, type HostHandler, type HostServices } from './internal-hosts.ts';
import { INTERNAL_MESSAGE_BYTES_MAX } from './internal-method.ts';
import type { ServerTls } from './tls-credentials.ts';
import { type Admission, unexpectedErrorLog } from './unary-dispatch.ts';

export interface InternalServerOptions {
  readonly env: Env;
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  readonly services: () => Partial<HostServices>;
  readonly tls?: ServerTls | undefined;
  /** Allows an address that is not loopback without mTLS. */
  readonly insecure?: boolean;
}

export interface InternalServer {
  start(): Promise<{ readonly address: string; readonly port: number }>;
  stop(graceMs?: number): Promise<void>;
}

const STOP_GRACE_MS = 2_000;

type Call = ServerUnaryCall<unknown, unknown>;

export function createInternalServer(options: InternalServerOptions): InternalServer {
  const { env, address, tls } = options;
  const host = requireProtected(address, tls?.requireClientAuth === true || options.insecure === true);
  const server = new Server({
    'grpc.max_receive_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.max_concurrent_streams': 100_000,
    'grpc.enable_channelz': 0,
  });
  const admission: Admission = { active: 0, max: Number.POSITIVE_INFINITY, draining: false };
  // grpc-js serves by path: one service holds the methods of all.
  const handlers = createHostHandlers(options.services);
  server.addService(
    Object.fromEntries(handlers.map(({ definition }) => [definition.path, definition])) as unknown as ServiceDefinition,
    Object.fromEntries(handlers.map((handler) => [handler.definition.path, unary(handler, admission, env)])),
  );
  return {
    async start() {
      const port = await bindServer(server, address, tls);
      return { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },
    async stop(graceMs = STOP_GRACE_MS) {
      admission.draining = true;
      await shutDownServer(server, env, graceMs);
    },
  };
}

/** The host of host:port. @throws when whoever reaches the address could act as a host of the region. */
export function requireProtected(address: string, isProtected: boolean): string {
  const host = requireAddress(address);
  if (isProtected || isLoopback(host)) return host;
  throw new Error(
    `refusing to listen on ${address}: other hosts could not prove who they are. Set \`rpc.tls\` with requireClientAuth, ` +
      'or `rpc.insecure: true` if the network itself is trusted.',
  );
}

/** What services tell each other in the course of things, and no client may see. */
const ORDINARY_KINDS: ReadonlySet<ServiceErrorKind> = new Set([
  'EventAlreadyStarted',
  'CurrentBranchChanged',
  'RetryTaskV2',
]);

const isOrdinary = (error: unknown): boolean => error instanceof ServiceError && ORDINARY_KINDS.has(error.kind);

function unary({ definition, handle }: HostHandler, admission: Admission, env: Env) {
  const report = unexpectedErrorLog(env, { component: 'rpc', procedure: definition.path.slice(1) });
  return (call: Call, callback: sendUnaryData<unknown>): void => {
    if (admission.draining) {
      callback(internalStatusFromError(unavailable('The host is shutting down, please retry')));
      return;
    }
    const context = createCallContext(call);
    admission.active++;
    const options: CallOptions = {
      deadlineMs: context.deadlineMs,
      // Made when somebody looks: most calls have no use for one.
      get signal() {
        return context.signal;
      },
    };
    handle(call.request, options).then(
      (reply) => {
        context.settle();
        admission.active--;
        callback(null, reply);
      },
      (error: unknown) => {
        context.settle();
        admission.active--;
        if (isUnexpected(error) && !isOrdinary(error)) report(error);
        callback(internalStatusFromError(error));
      },
    );
  };
}
