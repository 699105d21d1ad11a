// The RPCs of this process as bytes in, bytes out: the same handlers and codecs as behind gRPC, for transports of another form (the
// HTTP/JSON gateway). Errors are the handlers' own.
import { badRequest, unimplemented } from '#base';
import type { CallContext } from './call-context.ts';
import type { WithHistory } from './clients.ts';
import { carriesHistory, HISTORY_SERIALIZERS } from './history-splice.ts';
import { handlersByPath } from './local-client.ts';
import { SERVICE_DEFINITIONS, type Services, type UnaryDefinition } from './service-handlers.ts';
import { decodeStrictly } from './unary-dispatch.ts';

/** `path` as in gRPC: `/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution`. */
export type ByteCaller = (path: string, request: Uint8Array, context: CallContext) => Promise<Uint8Array>;

export function createByteCaller(services: Services): ByteCaller {
  const definitions = new Map<string, UnaryDefinition>();
  for (const service of Object.values(SERVICE_DEFINITIONS)) {
    for (const definition of Object.values<UnaryDefinition>(service)) definitions.set(definition.path, definition);
  }
  const handlers = handlersByPath(services);
  return async (path, bytes, context) => {
    const definition = definitions.get(path);
    const handler = handlers.get(path);
    if (definition === undefined || handler === undefined) {
      throw unimplemented(`${path.slice(1)} is not served by this server.`);
    }
    const reply = await handler(decode(definition, bytes), context);
    return carriesHistory(path)
      ? // A path that carries a history has a handler that answers so.
        HISTORY_SERIALIZERS[path](reply as WithHistory<never>)
      : definition.responseSerialize(reply as never);
  };
}

function decode(definition: UnaryDefinition, bytes: Uint8Array): unknown {
  try {
    return decodeStrictly(definition, bytes);
  } catch (cause) {
    throw badRequest(
      `The request of ${definition.path.slice(1)} cannot be decoded: its bytes are not a valid protobuf message.`,
      { cause },
    );
  }
}
