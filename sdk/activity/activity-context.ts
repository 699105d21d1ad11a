// What activity code may know and do while it runs: its task, heartbeats, cancellation. The worker installs the context; it
// follows async calls.
import { AsyncLocalStorage } from 'node:async_hooks';

export interface ActivityInfo {
  readonly activityId: string;
  readonly activityType: string;
  /** 0 for the first attempt. */
  readonly attempt: number;
  readonly domain: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly taskList: string;
  /** Completes the activity from elsewhere: `client.activity.complete(taskToken, result)`. */
  readonly taskToken: Uint8Array;
  readonly scheduledTime: Date;
  readonly startedTime: Date;
  readonly heartbeatTimeoutMs: number;
  /** When the service gives this attempt up. */
  readonly deadline: Date;
}

export interface ActivityContext {
  readonly info: ActivityInfo;
  /** Aborted when the activity is cancelled, its time is up, or the worker stops. Pass it to fetch and friends. */
  readonly signal: AbortSignal;
  /** Details of the last heartbeat of the attempt before this one: where to go on. */
  readonly heartbeatDetails: readonly unknown[];
  /** Reports progress. Cheap: the worker sends the latest details a few times per heartbeat timeout. */
  heartbeat(...details: readonly unknown[]): void;
  /** Waits; throws when the activity is cancelled. */
  sleep(ms: number): Promise<void>;
}

/** Thrown by completeLater(); the worker then reports nothing. */
export class ResultPending extends Error {
  override readonly name = 'ResultPending';
}

const contexts = new AsyncLocalStorage<ActivityContext>();

export function runInActivityContext<T>(context: ActivityContext, body: () => T): T {
  return contexts.run(context, body);
}

/** The context of the running activity. Throws outside of one. */
export function activityContext(): ActivityContext {
  const context = contexts.getStore();
  if (!context) throw new Error('this function works only in activity code that a worker runs');
  return context;
}

/** Reports progress; see ActivityContext.heartbeat. */
export function heartbeat(...details: readonly unknown[]): void {
  activityContext().heartbeat(...details);
}

/** Ends the function without a result: somebody completes the activity later by its token or ids. */
export function completeLater(): never {
  throw new ResultPending('the activity is completed later');
}
