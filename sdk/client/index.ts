// @antiphon/sdk/client: starts, signals, queries and watches workflows.
export {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  Failure,
  TerminatedFailure,
  TimeoutFailure,
} from '../common/index.ts';
export {
  type Connection,
  connect,
  type GrpcTransportOptions,
  isRpcError,
  RpcError,
  type RpcErrorKind,
  type TlsOptions,
  type Transport,
  type UnaryMethod,
} from '../transport/index.ts';
export type { ActivityById, ActivityClient, ActivityRef } from './activity-client.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export type { DomainClient, RegisterDomainOptions } from './domain-client.ts';
export type { ReusePolicy, StartOptions, StartSettings, WorkflowClient } from './workflow-client.ts';
export {
  type QueryOptions,
  QueryRejectedError,
  type ResetOptions,
  WorkflowFailedError,
  type WorkflowHandle,
} from './workflow-handle.ts';
