// One bad input: what is sent, and the status, detail and text that must come back (semantics §1.4, §1.8–1.12; quality §4).
import { status } from '@grpc/grpc-js';
import { type RequestOf, SERVICE_DEFINITIONS, type ServiceName } from '#rpc';

export interface BadInput {
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
  readonly code: number;
  /** Of api.v1; undefined: no detail at all. */
  readonly detail: string | undefined;
  readonly text: string | RegExp;
  /** null: none. */
  readonly timeoutMs: number | null;
}

export interface Domains {
  readonly shop: string;
  readonly other: string;
}

export type Definitions = typeof SERVICE_DEFINITIONS;
export type Expected = readonly [code: number, detail: string | undefined, text: string | RegExp];

export const RUN = '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a11';
export const OTHER_RUN = '6c1b8c9f-8cad-4d6a-8e54-1e807b203b22';
export const LONG = 'x'.repeat(1001);
export const BLOB = { data: new Uint8Array(2 * 1024 * 1024 + 1) };
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const seconds = (value: number | bigint, nanos = 0) => ({ seconds: BigInt(value), nanos });

export const bad = (message: string | RegExp): Expected => [status.INVALID_ARGUMENT, undefined, message];
export const missing = (message: string | RegExp): Expected => [status.NOT_FOUND, 'EntityNotExistsError', message];

export function row<K extends ServiceName, M extends keyof Definitions[K]>(
  name: string,
  service: K,
  method: M,
  fields: Partial<RequestOf<Definitions[K][M]>>,
  [code, detail, message]: Expected,
  timeoutMs: number | null = 5000,
): BadInput {
  const definition = SERVICE_DEFINITIONS[service][method] as unknown as {
    path: string;
    requestDeserialize(bytes: Buffer): object;
    requestSerialize(request: object): Buffer;
  };
  const request = { ...definition.requestDeserialize(Buffer.alloc(0)), ...fields };
  const bytes = definition.requestSerialize(request);
  return {
    name: `${definition.path.split('/')[2]}: ${name}`,
    path: definition.path,
    bytes,
    code,
    detail,
    text: message,
    timeoutMs,
  };
}

export type Start = RequestOf<Definitions['workflow']['startWorkflowExecution']>;
export const goodStart: Partial<Start> = {
  domain: 'shop',
  workflowId: 'bad-input',
  workflowType: { name: 'Order' },
  taskList: { name: 'orders', kind: 0, baseName: '' },
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
  requestId: RUN,
};
export const emptyStart = SERVICE_DEFINITIONS.workflow.startWorkflowExecution.requestDeserialize(Buffer.alloc(0));

export const list = (name: string, kind = 0) => ({ name, kind: kind as 0, baseName: '' });
