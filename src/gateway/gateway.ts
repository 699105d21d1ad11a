// The HTTP/JSON door of a host: every RPC as POST with proto3 JSON, aliases for curl, and the document that describes both. It adds no rule of its
// own to a call: domains, authorization, limits and validation are those of the handlers it is given.

import type http from 'node:http';
import { ServiceBusyError, unavailable } from '#base';
import type { Env } from '#env';
import {
  type Authenticate,
  createByteCaller,
  isLoopback,
  isUnexpected,
  requireBindable,
  type ServerTls,
  type Services,
  unexpectedErrorLog,
} from '#rpc';
import { loadApiSchema } from './api-schema.ts';
import { createOriginPolicy } from './cors.ts';
import { createRoutes, type RouteHandler } from './handlers.ts';
import { createHttpCall } from './http-call.ts';
import { createErrorRenderer, HttpError } from './http-error.ts';
import { createJsonCalls } from './json-calls.ts';
import { type Listener, listen } from './listener.ts';
import { SECURITY_HEADERS, writeError, writeReply } from './reply.ts';
import { createBodyReader } from './request-body.ts';
import { createRouter, type Router } from './routes.ts';

export interface GatewayOptions {
  readonly env: Env;
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  readonly services: Services;
  /** Set where calls are authenticated: who it throws for is a stranger, whose large bodies are not read. */
  readonly authenticate?: Authenticate | undefined;
  /** Allows an address that is not loopback although calls are not authenticated. */
  readonly insecure?: boolean;
  /** Origins whose pages may call, as https://ops.example.com; `*` is every page. */
  readonly corsOrigins?: readonly string[];
  /** Host names that a listener on loopback answers to, beside loopback's own. */
  readonly allowedHosts?: readonly string[];
  readonly tls?: ServerTls | undefined;
  readonly limits?: Partial<GatewayLimits>;
}

export interface GatewayLimits {
  readonly bodyBytesMax: number;
  /** Of all bodies that are being read at once. */
  readonly allBodiesBytesMax: number;
  readonly connectionsMax: number;
  readonly callsMax: number;
  readonly callsPerConnectionMax: number;
  readonly headersTimeoutMs: number;
  /** For a whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** For a client to take its answer. */
  readonly responseTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Of a call without a deadline of its own. */
  readonly callTimeoutMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  bodyBytesMax: 8 * 1024 * 1024,
  allBodiesBytesMax: 128 * 1024 * 1024,
  connectionsMax: 10_000,
  callsMax: 10_000,
  callsPerConnectionMax: 8,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  responseTimeoutMs: 120_000,
  keepAliveTimeoutMs: 65_000,
  callTimeoutMs: 60_000,
};

export interface Gateway {
  readonly address: string;
  readonly port: number;
  /** Refuses new calls, waits up to `graceMs` for those in flight, then closes the connections. */
  stop(graceMs?: number): Promise<void>;
}

// Put in by the build.
declare const ANTIPHON_VERSION: string | undefined;

const STOP_GRACE_MS = 5_000;
const HSTS = 'max-age=31536000';

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { env } = options;
  const limits: GatewayLimits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
  const host = requireBindable(options.address, options.insecure === true || options.authenticate !== undefined);
  const port = Number(options.address.slice(options.address.lastIndexOf(':') + 1));
  const schema = loadApiSchema();
  const render = createErrorRenderer(schema);
  const routes = createRoutes({
    env,
    schema,
    calls: createJsonCalls(schema, createByteCaller(options.services)),
    bodies: createBodyReader(limits),
    authenticate: options.authenticate,
    version: typeof ANTIPHON_VERSION === 'string' ? ANTIPHON_VERSION : 'development',
  });
  const origins = createOriginPolicy({
    origins: options.corsOrigins ?? [],
    allowedHosts: options.allowedHosts ?? [],
    onLoopback: isLoopback(host),
  });
  const admission = createAdmission(limits);
  const exchange = createExchange(env, limits, createRouter(routes), render);
  const securityHeaders = { ...SECURITY_HEADERS, ...(options.tls && { 'strict-transport-security': HSTS }) };

  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    let leave: (() => void) | undefined;
    try {
      if (origins.admit(request, response)) return;
      leave = admission.enter(request);
    } catch (error) {
      writeError(response, render, error);
      return;
    }
    response.once('close', leave);
    exchange(request, response);
  };
  const listener: Listener = await listen(env, { ...limits, host, port, tls: options.tls }, onRequest, render);
  return {
    address: listener.address,
    port: listener.port,
    async stop(graceMs = STOP_GRACE_MS) {
      admission.close();
      await listener.close(graceMs);
    },
  };
}

/** One request from its path to its answer. */
function createExchange(
  env: Env,
  limits: GatewayLimits,
  router: Router<RouteHandler>,
  render: ReturnType<typeof createErrorRenderer>,
) {
  const report = unexpectedErrorLog(env, { component: 'http' });
  const counters = new Map<number, { inc(): void }>();
  const count = (status: number): void => {
    let counter = counters.get(status);
    if (counter === undefined) {
      counter = env.metrics.counter('antiphon_http_requests', 'HTTP requests, by status', { status: String(status) });
      counters.set(status, counter);
    }
    counter.inc();
  };
  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<number> => {
    const { path, query } = targetOf(request);
    if (request.method === 'OPTIONS' && router.allowed(path).length > 0) {
      response.writeHead(204, { allow: [...router.allowed(path), 'OPTIONS'].join(', ') }).end();
      return 204;
    }
    const { handler, params } = router.match(request.method ?? '', path);
    const call = createHttpCall(env, request, handler.isUnbounded?.(query) ? undefined : limits.callTimeoutMs);
    response.once('close', () => {
      call.end();
      call.cancel();
    });
    return writeReply(response, await handler.handle({ request, params, query, call }), render);
  };
  return (request: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(request, response)
      .catch((error: unknown) => {
        // Nobody is there to be told, and it is no fault of ours that he left.
        if (response.destroyed) return 499;
        if (!(error instanceof HttpError) && isUnexpected(error)) report(error);
        return writeError(response, render, error);
      })
      .then((status) => {
        count(status);
        if (response.destroyed) return;
        const timer = env.scheduler.after(limits.responseTimeoutMs, () => response.destroy());
        response.once('close', () => timer.cancel());
      })
      .catch(report);
  };
}

function targetOf(request: http.IncomingMessage): { path: string; query: URLSearchParams } {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}

interface Admission {
  /** @throws when there are too many; else returns what is called when the call has ended. */
  enter(request: http.IncomingMessage): () => void;
  close(): void;
}

function createAdmission(limits: GatewayLimits): Admission {
  const bySocket = new WeakMap<object, number>();
  let active = 0;
  let isClosed = false;
  return {
    enter({ socket }) {
      if (isClosed) throw new HttpError(503, unavailable('The server is shutting down.'), { connection: 'close' });
      const ofSocket = bySocket.get(socket) ?? 0;
      if (active >= limits.callsMax || ofSocket >= limits.callsPerConnectionMax) {
        throw new ServiceBusyError('Too many outstanding requests to the cadence service', 'concurrent calls');
      }
      active++;
      bySocket.set(socket, ofSocket + 1);
      return () => {
        active--;
        bySocket.set(socket, (bySocket.get(socket) ?? 1) - 1);
      };
    },
    close() {
      isClosed = true;
    },
  };
}
