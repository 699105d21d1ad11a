// One call between hosts: how the arguments of a plain method become a message and come out of it again on the other host. The tables of these
// (internal-history.ts, internal-matching.ts, internal-cluster.ts) are all that both ends know; a method without an entry does not compile.
import type { CallOptions, RunRef } from './clients.ts';
import type { RequestOf, ResponseOf, UnaryDefinition } from './service-handlers.ts';

export interface InternalMethod<A extends readonly unknown[], R> {
  readonly definition: UnaryDefinition;
  /** True when a call whose outcome is unknown may be made again. */
  readonly isRepeatable: boolean;
  request(...args: A): unknown;
  /** `call`: the deadline and the hang-up of the caller. */
  args(request: unknown, call: CallOptions): A;
  reply(result: R): unknown;
  result(reply: unknown): R;
  /** The caller's own, where the method has them. */
  options(...args: A): CallOptions | undefined;
  /**
   * The call that tells the host of the caller's hang-up, where the answer that may be on its way must not be lost.
   * Without: the call is cancelled.
   */
  readonly hangUp: ((...args: A) => HangUp) | undefined;
}

export interface HangUp {
  readonly definition: UnaryDefinition;
  readonly request: unknown;
}

type Method = (...args: never[]) => Promise<unknown>;

/** The methods of an interface that are calls. */
export type InternalMethods<T> = {
  readonly [M in keyof T as T[M] extends Method ? M : never]: T[M] extends (...args: infer A) => Promise<infer R>
    ? InternalMethod<A, R>
    : never;
};

/** A method as a table is walked: the types tie each entry to its own. */
export type UntypedMethod = InternalMethod<readonly unknown[], unknown>;

export const untyped = (table: object): readonly (readonly [string, UntypedMethod])[] =>
  Object.entries(table) as (readonly [string, UntypedMethod])[];

export function internalMethod<D extends UnaryDefinition, A extends readonly unknown[], R>(
  definition: D,
  codec: {
    readonly isRepeatable?: boolean;
    request(...args: A): RequestOf<D>;
    args(request: RequestOf<D>, call: CallOptions): A;
    reply(result: R): ResponseOf<D>;
    result(reply: ResponseOf<D>): R;
    options?(...args: A): CallOptions | undefined;
    hangUp?(...args: A): HangUp;
  },
): InternalMethod<A, R> {
  return {
    definition,
    isRepeatable: codec.isRepeatable ?? false,
    request: codec.request,
    // What the definition decodes is of the definition's type.
    args: (request, call) => codec.args(request as RequestOf<D>, call),
    reply: codec.reply,
    result: (reply) => codec.result(reply as ResponseOf<D>),
    options: codec.options ?? (() => undefined),
    hangUp: codec.hangUp,
  };
}

const NO_RUN: RunRef = { domainId: '', workflowId: '', runId: '' };

/** Of a message's field: hosts of one version always set it. */
export const runOf = (run: RunRef | undefined): RunRef => run ?? NO_RUN;

/** Without what else the object has. */
export const refOf = ({ domainId, workflowId, runId }: RunRef): RunRef => ({ domainId, workflowId, runId });

/** Of calls that have the run and nothing else. */
export const ofRun = {
  request: (run: RunRef) => ({ run: refOf(run) }),
  args: ({ run }: { run?: RunRef | undefined }): [RunRef] => [runOf(run)],
};

/** The message of a call or an answer that says nothing, and what comes out of it. */
export const EMPTY = () => ({});
export const NOTHING = (): void => {};

/** Of what is its own message. */
export const same = <T>(value: T): T => value;

/** A page of history and a decision task with many small histories. */
export const INTERNAL_MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
