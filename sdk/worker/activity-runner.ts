// Runs one activity task: finds the function, gives it its context, and reports how it ended.
// Invariants: an attempt is reported at most once, and not at all after its deadline (the service has given it up by then);
// an activity that the worker does not know is reported as failed, so that it is visible at once.
import { type PollForActivityTaskResponse, WorkerAPIService } from '@antiphon/proto';
import {
  type ActivityContext,
  type ActivityInfo,
  ResultPending,
  runInActivityContext,
} from '../activity/activity-context.ts';
import { ApplicationFailure, CancelledFailure, decodeValues, encodeResult, encodeValues } from '../common/index.ts';
import {
  durationMsOf,
  encodedOf,
  failureMessageOf,
  isRpcError,
  pause,
  payloadOf,
  type ServiceCalls,
  timeMsOf,
} from '../transport/index.ts';
import { createHeartbeats } from './heartbeats.ts';
import { errorText, type Logger } from './logger.ts';

export type ActivityFunction = (...args: never[]) => unknown;
export type Activities = object;

export interface ActivityRunnerOptions {
  readonly calls: ServiceCalls;
  readonly activities: ReadonlyMap<string, ActivityFunction>;
  readonly taskList: string;
  readonly identity: string;
  readonly log: Logger;
  /** Send heartbeats without being asked, every half heartbeat timeout. */
  readonly autoHeartbeat: boolean;
  /** Aborted when the worker stops waiting for activities. */
  readonly stopped: AbortSignal;
}

type End =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'canceled'; readonly details: readonly unknown[] }
  | { readonly kind: 'pending' };

function infoOf(task: PollForActivityTaskResponse, taskList: string): ActivityInfo {
  const startedMs = timeMsOf(task.startedTime) || Date.now();
  const attemptMs = timeMsOf(task.scheduledTimeOfThisAttempt) || startedMs;
  const limits = [
    [startedMs, durationMsOf(task.startToCloseTimeout)],
    [attemptMs, durationMsOf(task.scheduleToCloseTimeout)],
  ] as const;
  const deadlines = limits.filter(([, timeoutMs]) => timeoutMs > 0).map(([fromMs, timeoutMs]) => fromMs + timeoutMs);
  return {
    activityId: task.activityId,
    activityType: task.activityType?.name ?? '',
    attempt: task.attempt,
    domain: task.workflowDomain,
    workflowId: task.workflowExecution?.workflowId ?? '',
    runId: task.workflowExecution?.runId ?? '',
    workflowType: task.workflowType?.name ?? '',
    taskList,
    taskToken: task.taskToken,
    scheduledTime: new Date(timeMsOf(task.scheduledTime)),
    startedTime: new Date(startedMs),
    heartbeatTimeoutMs: durationMsOf(task.heartbeatTimeout),
    deadline: new Date(Math.min(...deadlines, 8.64e15)),
  };
}

async function report(options: ActivityRunnerOptions, taskToken: Uint8Array, end: End): Promise<void> {
  const { calls, identity } = options;
  switch (end.kind) {
    case 'completed': {
      const request = { taskToken, result: payloadOf(encodeResult(end.result)), identity };
      await calls.call(WorkerAPIService.respondActivityTaskCompleted, request);
      return;
    }
    case 'failed': {
      const request = { taskToken, failure: failureMessageOf(end.error), identity };
      await calls.call(WorkerAPIService.respondActivityTaskFailed, request);
      return;
    }
    case 'canceled': {
      const request = { taskToken, details: payloadOf(encodeValues(end.details)), identity };
      await calls.call(WorkerAPIService.respondActivityTaskCanceled, request);
      return;
    }
    case 'pending':
      return;
  }
}

/** What a thrown value means, given why the signal was aborted, if it was. */
function endOfError(error: unknown, cancelled: CancelledFailure | undefined, isStopped: boolean): End {
  if (error instanceof ResultPending) return { kind: 'pending' };
  const isAbort = error instanceof CancelledFailure || (error instanceof Error && error.name === 'AbortError');
  if (isAbort && cancelled) {
    return { kind: 'canceled', details: error instanceof CancelledFailure ? error.details : [] };
  }
  if (isAbort && isStopped) {
    return { kind: 'failed', error: new ApplicationFailure('the worker stopped', { type: 'WorkerShutdown' }) };
  }
  return { kind: 'failed', error };
}

async function execute(
  options: ActivityRunnerOptions,
  task: PollForActivityTaskResponse,
  info: ActivityInfo,
): Promise<End> {
  const activity = options.activities.get(info.activityType);
  if (!activity) {
    const known = [...options.activities.keys()].sort().join(', ');
    const message = `activity "${info.activityType}" is not registered on this worker, which has: ${known}`;
    return { kind: 'failed', error: new ApplicationFailure(message, { type: 'ActivityNotRegistered' }) };
  }
  const abort = new AbortController();
  let cancelled: CancelledFailure | undefined;
  const heartbeats = createHeartbeats({
    calls: options.calls,
    taskToken: task.taskToken,
    identity: options.identity,
    heartbeatTimeoutMs: info.heartbeatTimeoutMs,
    onCancel: (reason) => {
      cancelled ??= new CancelledFailure(reason);
      abort.abort(cancelled);
    },
    onError: (error) => options.log.warn('heartbeat failed', { activity: info.activityType, error: errorText(error) }),
  });
  const onStop = () => abort.abort(new CancelledFailure('the worker stopped'));
  options.stopped.addEventListener('abort', onStop, { once: true });
  const leftMs = Math.min(info.deadline.getTime() - Date.now(), 2 ** 31 - 1);
  const timeUp = setTimeout(() => abort.abort(new CancelledFailure('the time for this attempt is up')), leftMs);
  const beatMs = options.autoHeartbeat && info.heartbeatTimeoutMs > 0 ? info.heartbeatTimeoutMs / 2 : 0;
  const beat = beatMs > 0 ? setInterval(heartbeats.repeat, beatMs) : undefined;
  const context: ActivityContext = {
    info,
    signal: abort.signal,
    heartbeatDetails: decodeValues(encodedOf(task.heartbeatDetails)),
    heartbeat: (...details) => heartbeats.record(details),
    sleep: async (ms) => {
      await pause(ms, abort.signal).catch(() => undefined);
      abort.signal.throwIfAborted();
    },
  };
  let end: End;
  try {
    const args = decodeValues(encodedOf(task.input)) as never[];
    end = { kind: 'completed', result: await runInActivityContext(context, async () => activity(...args)) };
  } catch (error) {
    end = endOfError(error, cancelled, options.stopped.aborted);
  } finally {
    clearTimeout(timeUp);
    clearInterval(beat);
    options.stopped.removeEventListener('abort', onStop);
  }
  await heartbeats.stop(end.kind === 'failed' || end.kind === 'canceled');
  return end;
}

export async function runActivityTask(
  options: ActivityRunnerOptions,
  task: PollForActivityTaskResponse,
): Promise<void> {
  const info = infoOf(task, options.taskList);
  const fields = {
    activity: info.activityType,
    'wf-id': info.workflowId,
    'wf-run-id': info.runId,
    attempt: info.attempt,
  };
  const end = await execute(options, task, info);
  if (Date.now() > info.deadline.getTime()) {
    options.log.warn('activity finished after its deadline; nothing is reported', fields);
    return;
  }
  if (end.kind === 'failed') options.log.warn('activity failed', { ...fields, error: errorText(end.error) });
  try {
    await report(options, task.taskToken, end);
  } catch (error) {
    const isGone = isRpcError(error, 'EntityNotExists', 'WorkflowExecutionAlreadyCompleted');
    const level = isGone ? 'info' : 'warn';
    options.log[level]('activity result was not accepted', { ...fields, error: errorText(error) });
  }
}
