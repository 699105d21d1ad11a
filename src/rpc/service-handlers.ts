// The services this server knows, and the shape of their implementation: one promise function per RPC, typed from the generated
// definitions. An RPC without a function is answered UNIMPLEMENTED by its own name.
import {
  DomainAPIService,
  MetaAPIService,
  ScheduleAPIService,
  VisibilityAPIService,
  WorkerAPIService,
  WorkflowAPIService,
} from '@antiphon/proto';
import { AdminAPIService } from '@antiphon/proto/admin';
import { AuditAPIService, HostsAPIService, IndexAPIService } from '@antiphon/proto/audit';
import type { CallContext } from './call-context.ts';
import type { WithHistory } from './clients.ts';

export const SERVICE_DEFINITIONS = {
  workflow: WorkflowAPIService,
  worker: WorkerAPIService,
  domain: DomainAPIService,
  visibility: VisibilityAPIService,
  meta: MetaAPIService,
  schedule: ScheduleAPIService,
  admin: AdminAPIService,
  /** Ours, not Cadence's. */
  audit: AuditAPIService,
  index: IndexAPIService,
  hosts: HostsAPIService,
} as const;

export type ServiceName = keyof typeof SERVICE_DEFINITIONS;

/** A generated definition of one unary RPC. */
export interface UnaryDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(value: never): Buffer;
  requestDeserialize(value: Buffer): unknown;
  responseSerialize(value: never): Buffer;
  responseDeserialize(value: Buffer): unknown;
}

export type RequestOf<D> = D extends { requestDeserialize(value: Buffer): infer Q } ? Q : never;
export type ResponseOf<D> = D extends { responseDeserialize(value: Buffer): infer R } ? R : never;

/** RPCs whose answer carries a history: their handlers give its encoded blobs, spliced in when the answer is serialised. */
export type HistoryPath =
  | '/uber.cadence.api.v1.WorkerAPI/PollForDecisionTask'
  | '/uber.cadence.api.v1.WorkerAPI/RespondDecisionTaskCompleted'
  | '/uber.cadence.api.v1.WorkflowAPI/GetWorkflowExecutionHistory';

export type ReplyOf<D> = D extends { path: HistoryPath } ? WithHistory<ResponseOf<D>> : ResponseOf<D>;

export type Handler<D> = (request: RequestOf<D>, context: CallContext) => Promise<ReplyOf<D>>;

export type Handlers<S> = { readonly [M in keyof S]?: Handler<S[M]> };

export type Services = { readonly [K in ServiceName]?: Handlers<(typeof SERVICE_DEFINITIONS)[K]> };

/** `uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution` → `StartWorkflowExecution`. */
export const operationName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
