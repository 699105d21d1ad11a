// The conversation between the engine (host realm) and the sandbox: JSON in, JSON out. An activation carries what history
// says happened, in event order; the outcome carries the commands that workflow code issued, in the order it issued them.
// Ids are the run's own sequence numbers: one counter for activities, timers, children and everything else, from 0.
// Invariant: everything here survives JSON; absent payloads are null, bytes that are not UTF-8 are base64.
import type { TimeoutKind, WireRetryPolicy } from '../common/index.ts';

export type WirePayload = string | { readonly b64: string } | null;
export interface WireFailureData {
  readonly reason: string;
  readonly details: WirePayload;
}

export interface ParentInfo {
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** What WorkflowExecutionStarted says, as workflow code sees it. */
export interface RunInfo {
  readonly workflowId: string;
  readonly runId: string;
  /** The id that random numbers and child ids derive from; it survives a reset. */
  readonly originalRunId: string;
  readonly firstRunId: string;
  readonly workflowType: string;
  readonly domain: string;
  readonly taskList: string;
  readonly attempt: number;
  readonly executionTimeoutSeconds: number;
  readonly taskTimeoutSeconds: number;
  readonly startTimeMs: number;
  readonly cronSchedule: string;
  readonly continuedRunId: string;
  readonly parent: ParentInfo | null;
  readonly memo: Readonly<Record<string, WirePayload>>;
  readonly searchAttributes: Readonly<Record<string, WirePayload>>;
  readonly lastCompletionResult: WirePayload;
  readonly lastFailure: WireFailureData | null;
}

export type Rejection =
  | { readonly kind: 'failure'; readonly failure: WireFailureData }
  | {
      readonly kind: 'timeout';
      readonly timeoutType: TimeoutKind;
      readonly details: WirePayload;
      readonly lastFailure: WireFailureData | null;
    }
  | { readonly kind: 'cancelled'; readonly details: WirePayload }
  | { readonly kind: 'terminated' }
  | { readonly kind: 'alreadyStarted' }
  | { readonly kind: 'external'; readonly cause: string };

export type Job =
  | { readonly kind: 'start'; readonly info: RunInfo; readonly input: WirePayload }
  | { readonly kind: 'signal'; readonly name: string; readonly input: WirePayload }
  | { readonly kind: 'cancel'; readonly cause: string }
  | { readonly kind: 'reseed'; readonly seed: string }
  | { readonly kind: 'resolve'; readonly id: string; readonly result: WirePayload }
  | { readonly kind: 'reject'; readonly id: string; readonly rejection: Rejection }
  | { readonly kind: 'childStarted'; readonly id: string; readonly runId: string };

export interface Activation {
  readonly nowMs: number;
  readonly replaying: boolean;
  /** Id of the last event that workflow code may know of. */
  readonly historyLength: number;
  readonly jobs: readonly Job[];
  /** What the decision that this activation replays recorded in markers. */
  readonly sideEffects: Readonly<Record<string, WirePayload>>;
  readonly versions: Readonly<Record<string, number>>;
  /** Keyed by `id#accessCount`. */
  readonly mutableSideEffects: Readonly<Record<string, WirePayload>>;
}

export interface ActivityCommand {
  readonly kind: 'scheduleActivity';
  readonly id: string;
  readonly activityType: string;
  readonly taskList: string;
  readonly domain: string;
  readonly input: WirePayload;
  readonly scheduleToCloseSeconds: number;
  readonly scheduleToStartSeconds: number;
  readonly startToCloseSeconds: number;
  readonly heartbeatSeconds: number;
  readonly retry: WireRetryPolicy | null;
  /** Fields as texts; none when absent. */
  readonly header?: Readonly<Record<string, string>> | undefined;
}

export type ParentClose = 'abandon' | 'requestCancel' | 'terminate';
export type ReusePolicy = 'allowDuplicate' | 'allowDuplicateFailedOnly' | 'rejectDuplicate' | 'terminateIfRunning';

export interface ChildCommand {
  readonly kind: 'startChild';
  readonly id: string;
  readonly workflowId: string;
  readonly workflowType: string;
  readonly domain: string;
  readonly taskList: string;
  readonly input: WirePayload;
  readonly executionSeconds: number;
  readonly taskSeconds: number;
  readonly parentClose: ParentClose;
  readonly reusePolicy: ReusePolicy;
  readonly retry: WireRetryPolicy | null;
  readonly cronSchedule: string;
  readonly memo: Readonly<Record<string, WirePayload>>;
  readonly searchAttributes: Readonly<Record<string, WirePayload>>;
  readonly header?: Readonly<Record<string, string>> | undefined;
}

export interface ContinueAsNewCommand {
  readonly kind: 'continueAsNew';
  readonly workflowType: string;
  readonly taskList: string;
  readonly input: WirePayload;
  readonly executionSeconds: number;
  readonly taskSeconds: number;
}

export type Command =
  | ActivityCommand
  | { readonly kind: 'cancelActivity'; readonly id: string }
  | { readonly kind: 'startTimer'; readonly id: string; readonly seconds: number }
  | { readonly kind: 'cancelTimer'; readonly id: string }
  | ChildCommand
  | { readonly kind: 'cancelChild'; readonly workflowId: string }
  | {
      readonly kind: 'signalExternal';
      readonly id: string;
      readonly domain: string;
      readonly workflowId: string;
      readonly runId: string;
      readonly signalName: string;
      readonly input: WirePayload;
      readonly childOnly: boolean;
    }
  | {
      readonly kind: 'cancelExternal';
      readonly id: string;
      readonly domain: string;
      readonly workflowId: string;
      readonly runId: string;
    }
  | { readonly kind: 'sideEffect'; readonly id: string; readonly result: WirePayload }
  | { readonly kind: 'mutableSideEffect'; readonly id: string; readonly access: number; readonly value: string }
  | {
      readonly kind: 'version';
      readonly changeId: string;
      readonly version: number;
      readonly searchAttribute: readonly string[];
    }
  | {
      readonly kind: 'upsertSearchAttributes';
      readonly id: string;
      readonly attributes: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'complete'; readonly result: WirePayload }
  | { readonly kind: 'fail'; readonly failure: WireFailureData }
  | { readonly kind: 'cancel'; readonly details: WirePayload }
  | ContinueAsNewCommand;

export interface TaskFailure {
  readonly message: string;
  readonly stack: string;
}

/** What a run did with an activation. */
export interface Outcome {
  readonly commands: readonly Command[];
  /** Set when workflow code threw something that is not a Failure: the decision task fails, the workflow does not. */
  readonly taskFailure: TaskFailure | null;
  readonly closed: boolean;
}

export type QueryOutcome =
  | { readonly ok: true; readonly result: WirePayload }
  | { readonly ok: false; readonly message: string };

export type SandboxRequest =
  | { readonly op: 'types' }
  | { readonly op: 'activate'; readonly run: string; readonly activation: Activation }
  | { readonly op: 'settle' }
  | { readonly op: 'query'; readonly run: string; readonly name: string; readonly args: WirePayload }
  | { readonly op: 'dispose'; readonly run: string };

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly workflowId: string;
  readonly runId: string;
}
