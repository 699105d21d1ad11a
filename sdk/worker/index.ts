// @antiphon/sdk/worker: hosts workflows and activities, bundles workflows, replays histories.
export {
  type CallLimits,
  type Connection,
  connect,
  createRpcError,
  type GrpcTransportOptions,
  isRpcError,
  RpcError,
  StatusCode,
  type Transport,
  type UnaryMethod,
} from '../transport/index.ts';
export type { Activities } from './activity-runner.ts';
export { createStderrLogger, type LogFields, type Logger } from './logger.ts';
export { NonDeterminismError } from './non-determinism.ts';
export { type ReplayOptions, replayHistory } from './replayer.ts';
export { createWorker, type Worker, type WorkerOptions } from './worker.ts';
export { type BundleOptions, bundleWorkflows, type WorkflowBundle } from './workflow-bundle.ts';
export { WorkflowCodeError } from './workflow-engine.ts';
