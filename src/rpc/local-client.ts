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

export function createLocalFrontendClient(
  services: Services,
  options: { readonly context?: Partial<CallContext>; nowMs(): number },
): FrontendClient {
  const handlers = handlersByPath(services);
  return mapServices((definition) => async (request: unknown, callOptions: RemoteCallOptions = {}) => {
    const handler = handlers.get(definition.path);
    if (handler === undefined) throw unimplemented(`${operationName(definition.path)} is not served by this server.`);
    const reply = await handler(
      request,
      createLocalContext({ ...options.context, ...callFields(callOptions, options) }),
    );
    return carriesHistory(definition.path) ? withDecodedHistory(definition.path, reply as WithHistory<unknown>) : reply;
  });
}

function callFields(call: RemoteCallOptions, clock: { nowMs(): number }): Partial<CallContext> {
  const deadlineMs = call.deadlineMs ?? (call.timeoutMs === undefined ? undefined : clock.nowMs() + call.timeoutMs);
  return {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(call.signal === undefined ? {} : { signal: call.signal }),
  };
}

function handlersByPath(services: Services): ReadonlyMap<string, UntypedHandler> {
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
