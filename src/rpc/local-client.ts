// The same client interface over handlers in this process: no socket, no encoding but of histories. Used by tests, simulations and the
// SDK's test environment. Errors are the handlers' own.
import { unimplemented } from '#base';
import { type CallContext, createLocalContext } from './call-context.ts';
import type { WithHistory } from './clients.ts';
import { carriesHistory, withDecodedHistory } from './history-splice.ts';
import { type FrontendClient, mapServices, type RemoteCallOptions } from './remote-client.ts';
import {
  operationName,
  SERVICE_DEFINITIONS,
  type ServiceName,
  type Services,
  type UnaryDefinition,
} from './service-handlers.ts';
import type { UntypedHandler } from './unary-dispatch.ts';

export interface LocalClientOptions {
  readonly context?: Partial<CallContext>;
  nowMs(): number;
}

/** Calls a handler by the path of its RPC, `/package.Service/Method`. */
export type LocalCaller = (path: string, request: unknown, options?: RemoteCallOptions) => Promise<unknown>;

export function createLocalCaller(services: Services, options: LocalClientOptions): LocalCaller {
  const handlers = handlersByPath(services);
  return async (path, request, callOptions = {}) => {
    const handler = handlers.get(path);
    if (handler === undefined) throw unimplemented(`${operationName(path)} is not served by this server.`);
    const reply = await handler(
      request,
      createLocalContext({ ...options.context, ...callFields(callOptions, options) }),
    );
    return carriesHistory(path) ? withDecodedHistory(path, reply as WithHistory<unknown>) : reply;
  };
}

export function createLocalFrontendClient(services: Services, options: LocalClientOptions): FrontendClient {
  const call = createLocalCaller(services, options);
  return mapServices(
    (definition) => (request: unknown, callOptions?: RemoteCallOptions) => call(definition.path, request, callOptions),
  );
}

function callFields(call: RemoteCallOptions, clock: { nowMs(): number }): Partial<CallContext> {
  const deadlineMs = call.deadlineMs ?? (call.timeoutMs === undefined ? undefined : clock.nowMs() + call.timeoutMs);
  return {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
}

/** The handlers there are, by gRPC path. */
export function handlersByPath(services: Services): ReadonlyMap<string, UntypedHandler> {
  const found = new Map<string, UntypedHandler>();
  for (const [name, definitions] of Object.entries(SERVICE_DEFINITIONS)) {
    const handlers = services[name as ServiceName] as Readonly<Record<string, UntypedHandler>> | undefined;
    for (const [method, definition] of Object.entries<UnaryDefinition>(definitions)) {
      const handler = handlers?.[method];
      if (handler !== undefined) found.set(definition.path, handler);
    }
  }
  return found;
}
