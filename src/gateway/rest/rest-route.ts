// A REST alias: a short way to one RPC or a few, for people with curl. An alias only rearranges JSON: names from the path and plain JSON from the
// body into the RPC's request, which is then decoded, checked and authorized as any other. It also describes itself for /openapi.json.
import type { JsonObject } from '@bufbuild/protobuf';
import type { Env } from '#env';
import type { Reply } from '../reply.ts';

export interface RestParameter {
  readonly name: string;
  readonly doc: string;
  readonly schema: JsonObject;
}

export interface RestInput {
  readonly env: Env;
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Only the declared ones. */
  readonly query: Readonly<Record<string, string>>;
  /** {} when there is none. */
  readonly body: JsonObject;
  /** Made from the header `idempotency-key`, or a new one. */
  readonly requestId: string;
  /** The caller is gone or out of time. */
  readonly signal: AbortSignal;
  /** `WorkflowAPI/DescribeWorkflowExecution`; payloads are in the readable form. */
  rpc(method: string, request: JsonObject): Promise<JsonObject>;
  /** The same with time of its own, for one long poll after another until the caller's time is over. */
  longPoll(method: string, request: JsonObject): Promise<JsonObject>;
}

export interface RestRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly query: readonly RestParameter[];
  /** Schema of the body; undefined: it has none. */
  readonly body?: JsonObject;
  /** Schema of the answer. */
  readonly answer: JsonObject;
  readonly answerStatus?: number;
  /** The answer may be JSON lines. */
  readonly streams?: boolean;
  /** The call takes as long as it takes, unless the caller sets a time. */
  readonly isUnbounded?: (query: Readonly<Record<string, string>>) => boolean;
  handle(input: RestInput): Promise<Reply>;
}

export const parameter = (name: string, doc: string, schema: JsonObject = { type: 'string' }): RestParameter => ({
  name,
  doc,
  schema,
});

export const RUN_ID = parameter('runId', 'The run; without it, the current one.');

export const ANY_JSON: JsonObject = { description: 'Any JSON value.' };
export const ARGUMENTS: JsonObject = {
  type: 'array',
  items: {},
  description: 'Several arguments, instead of one input.',
};

export const object = (properties: JsonObject, required: string[] = []): JsonObject => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
});
