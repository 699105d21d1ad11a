// Calls of activities from workflow code: `const { charge } = proxyActivities<typeof activities>({ startToCloseTimeout: '1m' })`.
import {
  ActivityFailure,
  type Duration,
  durationToSeconds,
  encodeRetryPolicy,
  priorityHeader,
  type RetryPolicy,
  type TaskPriorityOptions,
} from '../common/index.ts';
import { currentRun } from './current-run.ts';
import { callAndWait, rejectionCause } from './pending-call.ts';
import { readResult, wireArguments } from './wire-payload.ts';

interface ActivityCommonOptions extends TaskPriorityOptions {
  /** Default: the workflow's own task list. */
  readonly taskList?: string;
  readonly domain?: string;
  readonly scheduleToStartTimeout?: Duration;
  readonly heartbeatTimeout?: Duration;
  readonly retry?: RetryPolicy;
  /** `try` (default): the call throws at once when cancelled. `wait`: it waits for what the activity reports. */
  readonly cancellation?: 'try' | 'wait';
}

/** One of the two timeouts is needed: a time for one attempt, or a time for all of them. */
export type ActivityOptions = ActivityCommonOptions &
  (
    | { readonly startToCloseTimeout: Duration; readonly scheduleToCloseTimeout?: Duration }
    | { readonly scheduleToCloseTimeout: Duration; readonly startToCloseTimeout?: Duration }
  );

type AnyFunction = (...args: never[]) => unknown;
/** The activities as workflow code calls them: always asynchronous. */
export type ActivityCalls<A> = {
  readonly [Name in keyof A as A[Name] extends AnyFunction ? Name : never]: A[Name] extends (
    ...args: infer P
  ) => infer R
    ? (...args: P) => Promise<Awaited<R>>
    : never;
};

const seconds = (duration: Duration | undefined): number => (duration === undefined ? 0 : durationToSeconds(duration));

function timeoutsOf(options: ActivityOptions, executionSeconds: number) {
  const scheduleToClose = seconds(options.scheduleToCloseTimeout);
  const startToClose = seconds(options.startToCloseTimeout);
  if (scheduleToClose === 0 && startToClose === 0) {
    throw new TypeError('an activity needs startToCloseTimeout or scheduleToCloseTimeout');
  }
  // The service wants a bound for the wait in the task list; without one it is the life of the workflow.
  const scheduleToStart = seconds(options.scheduleToStartTimeout) || (scheduleToClose === 0 ? executionSeconds : 0);
  return {
    scheduleToCloseSeconds: scheduleToClose,
    scheduleToStartSeconds: scheduleToStart,
    startToCloseSeconds: startToClose,
    heartbeatSeconds: seconds(options.heartbeatTimeout),
  };
}

/** Schedules an activity by name; what the proxies call. */
export function executeActivity<R = unknown>(
  activityType: string,
  options: ActivityOptions,
  ...args: readonly unknown[]
): Promise<R> {
  const { info } = currentRun();
  const timeouts = timeoutsOf(options, info.executionTimeoutSeconds);
  const retry = options.retry ? encodeRetryPolicy(options.retry, info.executionTimeoutSeconds) : null;
  const input = wireArguments(args);
  const header = priorityHeader(options);
  return callAndWait<R>(
    {
      what: `activity ${activityType}`,
      command: (id) => ({
        kind: 'scheduleActivity',
        id,
        activityType,
        taskList: options.taskList ?? info.taskList,
        domain: options.domain ?? '',
        input,
        ...timeouts,
        retry,
        header,
      }),
      cancelCommand: (id) => ({ kind: 'cancelActivity', id }),
      waitsWhenCancelled: options.cancellation === 'wait',
      // The cast is the caller's promise about the activity's result type; the wire has none.
      decode: (result) => readResult(result) as R,
      toError: (rejection, id) => {
        const cause = rejectionCause(rejection);
        return rejection.kind === 'cancelled' ? cause : new ActivityFailure(activityType, id, cause);
      },
    },
    executeActivity,
  );
}

/** Typed activity calls. Activities with names that are not identifiers: `acts['pkg.Name'](…)`. */
export function proxyActivities<A>(options: ActivityOptions): ActivityCalls<A> {
  return new Proxy({} as ActivityCalls<A>, {
    get: (_, name) => {
      // `then` must stay absent, or awaiting the proxy would schedule an activity.
      if (typeof name !== 'string' || name === 'then') return undefined;
      return (...args: readonly unknown[]) => executeActivity(name, options, ...args);
    },
  });
}
