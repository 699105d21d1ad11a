// One unary handler around each promise handler: admission, undecodable requests, splicing of histories, errors to statuses.
// Whatever a handler throws ends as a status; nothing escapes into grpc-js, and no stack reaches a caller.
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { MethodDefinition } from '@grpc/grpc-js';
import { badRequest, ServiceBusyError, unavailable, unimplemented } from '#base';
import type { Env, LogFields } from '#env';
import { type CallContext, createCallContext } from './call-context.ts';
import { isUnexpected, statusFromError } from './errors.ts';
import { carriesHistory, HISTORY_SERIALIZERS } from './history-splice.ts';
import type { UnaryDefinition } from './service-handlers.ts';
import type { UnaryAnswer, UnaryCall } from './unary-stream.ts';

/** Calls in flight, bounded. Shared by all services of a server. */
export interface Admission {
  active: number;
  readonly max: number;
  draining: boolean;
}

export type UntypedHandler = (request: unknown, context: CallContext) => Promise<unknown>;

/** A request whose bytes are no message. Carried to the handler, because grpc-js would answer INTERNAL. */
class Undecodable {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const decodeUtf8 = (bytes: Uint8Array): string => strictUtf8.decode(bytes);

/** The generated definition with our decoding of requests and encoding of histories. */
export function servedDefinition(definition: UnaryDefinition): MethodDefinition<unknown, unknown> {
  return {
    path: definition.path,
    requestStream: false,
    responseStream: false,
    // The server never uses the client's half of the definition.
    requestSerialize: definition.requestSerialize as (value: unknown) => Buffer,
    responseDeserialize: definition.responseDeserialize as (value: Buffer) => unknown,
    requestDeserialize: (bytes) => decodeRequest(definition, bytes),
    responseSerialize: (carriesHistory(definition.path)
      ? HISTORY_SERIALIZERS[definition.path]
      : definition.responseSerialize) as (value: unknown) => Buffer,
  };
}

function decodeRequest(definition: UnaryDefinition, bytes: Buffer): unknown {
  try {
    return decodeStrictly(definition, bytes);
  } catch (cause) {
    return new Undecodable(cause);
  }
}

/** The generated code takes a reader as well as bytes; ours refuses text that is not UTF-8, as protobuf demands. */
export const decodeStrictly = (definition: UnaryDefinition, bytes: Uint8Array): unknown =>
  definition.requestDeserialize(new BinaryReader(bytes, decodeUtf8) as unknown as Buffer);

/** `handler` undefined: the RPC answers UNIMPLEMENTED with its name. */
export function unaryHandler(
  definition: UnaryDefinition,
  handler: UntypedHandler | undefined,
  admission: Admission,
  env: Env,
): (call: UnaryCall, answer: UnaryAnswer) => void {
  const procedure = definition.path.slice(1);
  const report = unexpectedErrorLog(env, { component: 'grpc', procedure });
  const fail = (answer: UnaryAnswer, error: unknown): void => {
    if (isUnexpected(error)) report(error);
    answer(statusFromError(error));
  };
  return (call, answer) => {
    const refusal = refuse(call, procedure, handler, admission);
    if (handler === undefined || refusal !== undefined) {
      fail(answer, refusal);
      return;
    }
    admission.active++;
    const context = createCallContext(call);
    const failed = (error: unknown): void => {
      context.settle();
      admission.active--;
      fail(answer, error);
    };
    let replied: Promise<unknown>;
    try {
      replied = handler(call.request, context);
    } catch (error) {
      failed(error);
      return;
    }
    replied.then((reply) => {
      context.settle();
      admission.active--;
      answer(null, reply);
    }, failed);
  };
}

const REPEAT_LOG_MS = 1000;

/**
 * Logs at most once a second for each function it returns, with the number of errors it kept to itself: an outage must not fill the disk.
 */
export function unexpectedErrorLog(env: Env, fields: LogFields): (error: unknown) => void {
  const logger = env.logger.child(fields);
  let quietUntilMs = 0;
  let suppressed = 0;
  return (error) => {
    const nowMs = env.clock.monotonicMs();
    if (nowMs < quietUntilMs) {
      suppressed++;
      return;
    }
    logger.error('call failed unexpectedly', { error, suppressed });
    quietUntilMs = nowMs + REPEAT_LOG_MS;
    suppressed = 0;
  };
}

function refuse(call: UnaryCall, procedure: string, handler: unknown, admission: Admission): Error | undefined {
  if (handler === undefined) return unimplemented(`${procedure} is not served by this server.`);
  if (admission.draining) return unavailable('The server is shutting down.');
  if (admission.active >= admission.max) {
    return new ServiceBusyError('Too many outstanding requests to the cadence service', 'concurrent calls');
  }
  if (call.request instanceof Undecodable) {
    return badRequest(`The request of ${procedure} cannot be decoded: its bytes are not a valid protobuf message.`, {
      cause: call.request.cause,
    });
  }
  return undefined;
}
