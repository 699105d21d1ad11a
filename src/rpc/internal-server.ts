// The listener for calls of the other hosts of the region. It trusts what they say (requests are validated and authorized already), so whoever
// can reach it can do everything: beyond loopback it wants mTLS, or an explicit word that the network is trusted.
import { type HostAnswers, type HostCalls, HostServiceService } from '@antiphon/proto/internal';
import { Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { ServiceError, type ServiceErrorKind, unavailable, unimplemented } from '#base';
import type { Env } from '#env';
import { isUnexpected } from './errors.ts';
import { bindServer, isLoopback, requireAddress, shutDownServer } from './grpc-server.ts';
import { createHostHandlers, type HostHandler, type HostServices } from './internal-hosts.ts';
import { INTERNAL_MESSAGE_BYTES_MAX } from './internal-method.ts';
import { type ServeCall, ServedLink } from './served-link.ts';
import type { ServerTls } from './tls-credentials.ts';
import { unexpectedErrorLog } from './unary-dispatch.ts';

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

export function createInternalServer(options: InternalServerOptions): InternalServer {
  const { env, address, tls } = options;
  const host = requireProtected(address, tls?.requireClientAuth === true || options.insecure === true);
  const server = new Server({
    'grpc.max_receive_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.enable_channelz': 0,
  });
  const links = new Set<ServedLink>();
  let isStopping = false;
  const serveCall = servedBy(createHostHandlers(options.services), env);
  const serve: ServeCall = (...call) =>
    isStopping ? Promise.reject(unavailable('The host is shutting down, please retry')) : serveCall(...call);
  server.addService(HostServiceService, {
    exchange: (stream: ServerDuplexStream<HostCalls, HostAnswers>) => {
      const link = new ServedLink(env, stream, serve, () => links.delete(link));
      links.add(link);
      if (isStopping) link.leave();
    },
  });
  return {
    async start() {
      const port = await bindServer(server, address, tls);
      return { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },
    async stop(graceMs = STOP_GRACE_MS) {
      isStopping = true;
      for (const link of links) link.leave();
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

function servedBy(handlers: readonly HostHandler[], env: Env): ServeCall {
  const served = new Map(
    handlers.map(({ definition, handle }) => {
      const { path } = definition;
      return [
        path,
        { definition, handle, report: unexpectedErrorLog(env, { component: 'rpc', procedure: path.slice(1) }) },
      ];
    }),
  );
  return async (path, request, call) => {
    const found = served.get(path);
    // A host of another version.
    if (found === undefined) throw unimplemented(`${path.slice(1)} is not served by this host.`);
    const { definition, handle, report } = found;
    try {
      const reply = await handle(definition.requestDeserialize(request as Buffer), call);
      return definition.responseSerialize(reply as never);
    } catch (error) {
      if (isUnexpected(error) && !isOrdinary(error)) report(error);
      throw error;
    }
  };
}
