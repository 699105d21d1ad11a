// The handlers of all routes: the RPCs, the aliases, the API document and the page about it. A handler is HTTP's side only: query parameters,
// body and answer; what is called is the same as behind gRPC.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { JsonObject } from '@bufbuild/protobuf';
import { badRequest } from '#base';
import type { Env } from '#env';
import type { Authenticate } from '#rpc';
import type { ApiMethod, ApiSchema } from './api-schema.ts';
import { renderHomePage } from './home-page.ts';
import type { HttpCall } from './http-call.ts';
import { type JsonCalls, type Payloads, parse } from './json-calls.ts';
import { createOpenApi } from './openapi.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { BodyReader } from './request-body.ts';
import type { RestParameter, RestRoute } from './rest/rest-route.ts';
import { WORKFLOW_ROUTES } from './rest/workflow-routes.ts';
import type { Route } from './routes.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly call: HttpCall;
}

export interface RouteHandler {
  /** No deadline but the caller's own. */
  isUnbounded?(query: URLSearchParams): boolean;
  handle(exchange: Exchange): Promise<Reply>;
}

export interface HandlerDeps {
  readonly env: Env;
  readonly schema: ApiSchema;
  readonly calls: JsonCalls;
  readonly bodies: BodyReader;
  readonly version: string;
  /** Throws when the caller does not prove who he is; undefined: calls are not authenticated. */
  readonly authenticate: Authenticate | undefined;
}

const PAYLOADS = 'antiphon-payload';
// Longer than history lets a long poll wait.
const LONG_POLL_MS = 60_000;

export function createRoutes(deps: HandlerDeps): readonly Route<RouteHandler>[] {
  const { schema, version } = deps;
  const document = memo(() => JSON.stringify(createOpenApi(schema, WORKFLOW_ROUTES, version)));
  const page = memo(() => renderHomePage(schema, WORKFLOW_ROUTES, version));
  return [
    ...schema.methods.map(
      (method): Route<RouteHandler> => ({ method: 'POST', path: method.route, handler: rpcHandler(deps, method) }),
    ),
    ...WORKFLOW_ROUTES.map((route): Route<RouteHandler> => ({ ...route, handler: restHandler(deps, route) })),
    {
      method: 'GET',
      path: '/openapi.json',
      handler: { handle: async () => text('application/json; charset=utf-8', document()) },
    },
    {
      method: 'GET',
      path: '/',
      handler: {
        async handle({ request }) {
          const { html, contentSecurityPolicy } = page();
          const scheme = 'encrypted' in request.socket ? 'https://' : '';
          const address = `${scheme}${request.headers.host ?? 'localhost'}`;
          return text('text/html; charset=utf-8', html(address), { 'content-security-policy': contentSecurityPolicy });
        },
      },
    },
  ];
}

const text = (type: string, content: string, headers: Readonly<Record<string, string>> = {}): Reply => ({
  kind: 'text',
  type,
  text: content,
  headers,
});

function memo<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function rpcHandler(deps: HandlerDeps, method: ApiMethod): RouteHandler {
  const { calls } = deps;
  return {
    async handle(exchange) {
      const { request, query, call } = exchange;
      requireKnown(query, [PAYLOADS]);
      const payloads = payloadsOf(request, query);
      const body = await readBody(deps, exchange, method.name);
      return jsonReply(await call.run((context) => calls.callText(method, body, payloads, context)));
    },
  };
}

// Reading and parsing this much of a stranger's is no work worth mentioning.
const FREE_BODY_BYTES = 64 * 1024;

/** A large body is read only of somebody who is known: the call itself authenticates him again, when its request has been decoded. */
async function readBody(
  { bodies, authenticate }: HandlerDeps,
  { request, call }: Exchange,
  operation: string,
): Promise<string> {
  const sizeBytes =
    request.headers['transfer-encoding'] === undefined
      ? Number(request.headers['content-length'] ?? 0)
      : Number.POSITIVE_INFINITY;
  if (authenticate !== undefined && sizeBytes > FREE_BODY_BYTES) {
    await call.run(async (context) => authenticate(operation, context));
  }
  return bodies.read(request);
}

function payloadsOf(request: IncomingMessage, query: URLSearchParams): Payloads {
  const value = query.get(PAYLOADS) ?? request.headers[PAYLOADS] ?? 'base64';
  if (value !== 'base64' && value !== 'json') throw badRequest(`${PAYLOADS} must be base64 or json.`);
  return value;
}

function restHandler(deps: HandlerDeps, route: RestRoute): RouteHandler {
  const { env, schema, calls } = deps;
  const isUnbounded = route.isUnbounded;
  const methodOf = (name: string): ApiMethod => {
    const method = schema.byRoute.get(`/api/v1/${name}`);
    if (method === undefined) throw new Error(`alias ${route.operationId} calls ${name}, which does not exist`);
    return method;
  };
  return {
    ...(isUnbounded && { isUnbounded: (query) => isUnbounded(Object.fromEntries(query)) }),
    async handle(exchange) {
      const { request, params, query, call } = exchange;
      const values = declaredQuery(query, route.query);
      const body = bodyObject(await readBody(deps, exchange, route.operationId), route);
      return route.handle({
        env,
        params,
        query: values,
        body,
        requestId: requestIdOf(request, env),
        signal: call.signal,
        rpc: (name, message) => call.run((context) => calls.call(methodOf(name), message, context)),
        longPoll: (name, message) => call.run((context) => calls.call(methodOf(name), message, context), LONG_POLL_MS),
      });
    },
  };
}

function declaredQuery(query: URLSearchParams, declared: readonly RestParameter[]): Readonly<Record<string, string>> {
  requireKnown(
    query,
    declared.map(({ name }) => name),
  );
  return Object.fromEntries(query);
}

function requireKnown(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      const list = known.length === 0 ? 'none is known here' : `known: ${known.join(', ')}`;
      throw badRequest(`Unknown query parameter ${JSON.stringify(name.slice(0, 100))}; ${list}.`);
    }
    if (query.getAll(name).length > 1) throw badRequest(`The query parameter ${name} is given more than once.`);
  }
}

function bodyObject(body: string, route: RestRoute): JsonObject {
  if (body.trim() === '') return {};
  if (route.body === undefined) throw badRequest(`${route.method} takes no body here.`);
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('The body must be a JSON object.');
  return value;
}

const KEY_CHARS_MAX = 1000;

/** Repeated requests with one idempotency key have one request id, so that they count once. */
function requestIdOf(request: IncomingMessage, env: Env): string {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return env.random.uuid();
  if (key.length > KEY_CHARS_MAX)
    throw badRequest(`The header idempotency-key is longer than ${KEY_CHARS_MAX} characters.`);
  const hex = createHash('sha256').update(key).digest('hex');
  // A UUID of version 8: 122 bits of the writer's own making.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
