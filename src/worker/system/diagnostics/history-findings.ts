// What a run's history tells of its troubles: timeouts and what was configured, failures and whose they are, retry policies that cannot
// retry. Pure: events go in one after another, in their order. Cadence: service/worker/diagnostics/invariant
import {
  type ActivityTaskScheduledEventAttributes,
  DecisionTaskFailedCause,
  type Failure,
  type HistoryEvent,
  type RetryPolicy,
  type StartChildWorkflowExecutionInitiatedEventAttributes,
  type TaskList,
  TimeoutType,
  type WorkflowExecutionStartedEventAttributes,
} from '@antiphon/proto';
import { nanosOf, type ReportBuilder, retryPolicyJson, taskListJson } from './report.ts';

/** A cause that only the task list can tell: is somebody there? */
export interface PollerQuestion {
  readonly issueId: number | undefined;
  readonly taskList: TaskList | undefined;
  readonly isActivity: boolean;
}

export interface HistoryFindings {
  take(event: HistoryEvent): void;
  /** Timeouts whose cause may be that nobody polls. */
  readonly questions: readonly PollerQuestion[];
}

const ERROR_TYPES = {
  generic: 'The failure is because of an error returned from the service code',
  panic: 'The failure is caused by a panic in the service code',
  timeout: 'The failure is caused by a timeout during the execution',
  heartbeatSize: 'Heartbeat details has exceeded the blob size limit',
  outputSize: 'Activity output has exceeded the blob size limit',
  decisionSize: 'Decision result caused to exceed blob size limit',
  custom: 'The failure is caused by a specific custom error returned from the service code',
} as const;
const ISSUE_CAUSE =
  'There is an issue in the worker service that is causing a failure. Check identity for service logs';
const PANIC_CAUSE = 'There is a panic in the activity/workflow that is causing a failure';
const SIZE_CAUSE = 'Workflow has exceeded the blob size limits configured for the domain';
const CAUSES: Readonly<Record<keyof typeof ERROR_TYPES, string>> = {
  generic: ISSUE_CAUSE,
  panic: PANIC_CAUSE,
  timeout: ISSUE_CAUSE,
  heartbeatSize: SIZE_CAUSE,
  outputSize: SIZE_CAUSE,
  decisionSize: SIZE_CAUSE,
  custom: 'Customised error returned by the activity/workflow',
};

function errorTypeOf(reason: string): keyof typeof ERROR_TYPES {
  if (reason === 'HEARTBEAT_EXCEEDS_LIMIT') return 'heartbeatSize';
  if (reason === 'COMPLETE_RESULT_EXCEEDS_LIMIT') return 'outputSize';
  if (reason === 'DECISION_BLOB_SIZE_EXCEEDS_LIMIT' || reason === 'HISTORY_EXCEEDS_LIMIT') return 'decisionSize';
  if (reason === 'cadenceInternal:Generic') return 'generic';
  if (reason === 'cadenceInternal:Panic') return 'panic';
  return reason.startsWith('cadenceInternal:Timeout') ? 'timeout' : 'custom';
}

const TIMEOUTS: Readonly<Record<number, string>> = {
  [TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE]: 'START_TO_CLOSE',
  [TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START]: 'SCHEDULE_TO_START',
  [TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE]: 'SCHEDULE_TO_CLOSE',
  [TimeoutType.TIMEOUT_TYPE_HEARTBEAT]: 'HEARTBEAT',
};

const timeNanos = ({ eventTime }: HistoryEvent): number =>
  eventTime === undefined ? 0 : Number(eventTime.seconds) * 1e9 + eventTime.nanos;

interface Scheduled<T> {
  readonly event: HistoryEvent;
  readonly attributes: T;
}

export function createHistoryFindings(report: ReportBuilder): HistoryFindings {
  const questions: PollerQuestion[] = [];
  const activities = new Map<bigint, Scheduled<ActivityTaskScheduledEventAttributes>>();
  const attempts = new Map<bigint, number>();
  const children = new Map<bigint, Scheduled<StartChildWorkflowExecutionInitiatedEventAttributes>>();
  let started: Scheduled<WorkflowExecutionStartedEventAttributes> | undefined;
  let previous: HistoryEvent | undefined;

  const failed = (type: string, failure: Failure | undefined, metadata: object): void => {
    const kind = errorTypeOf(failure?.reason ?? '');
    const issueId = report.add('Failures', type, ERROR_TYPES[kind], { ...metadata, FailureReason: failure?.reason });
    report.cause('Failures', issueId, CAUSES[kind]);
  };

  const exhausted = (scheduledId: bigint, type: string, reason: string): void => {
    const policy = activities.get(scheduledId)?.attributes.retryPolicy;
    if (policy === undefined) return;
    const attempt = (attempts.get(scheduledId) ?? 0) + 1;
    const why =
      policy.maximumAttempts > 0 && attempt >= policy.maximumAttempts
        ? `all ${policy.maximumAttempts} attempts were used`
        : policy.nonRetryableErrorReasons.includes(reason)
          ? `reason "${reason}" is not retried`
          : `no further attempt would end before the retries expire, after ${attempt} attempts`;
    report.add('Retries', 'Activity retries exhausted', why, {
      EventID: Number(scheduledId),
      ActivityType: type,
      RetryPolicy: retryPolicyJson(policy),
    });
  };

  const activityTimedOut = (event: HistoryEvent, scheduledId: bigint, timeoutType: TimeoutType): void => {
    const found = activities.get(scheduledId);
    if (found === undefined) return;
    const { attributes: scheduled } = found;
    const elapsed = timeNanos(event) - timeNanos(found.event);
    const reason = TIMEOUTS[timeoutType] ?? '';
    const heartbeat = nanosOf(scheduled.heartbeatTimeout);
    const issueId = report.add('Timeouts', 'Activity task has timed out', reason, {
      ActivityTimeout: {
        TimeoutType: reason,
        ConfiguredTimeout: nanosOf(configuredTimeout(scheduled, timeoutType)),
        TimeElapsed: elapsed,
        RetryPolicy: retryPolicyJson(scheduled.retryPolicy),
        HeartBeatTimeout: heartbeat,
        Tasklist: taskListJson(scheduled.taskList),
      },
    });
    if (timeoutType === TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START) {
      questions.push({ issueId, taskList: scheduled.taskList, isActivity: true });
    } else {
      const cause = heartbeatCause(heartbeat > 0, scheduled.retryPolicy !== undefined, timeoutType);
      const metadata = { TimeElapsed: elapsed, RetryPolicy: retryPolicyJson(scheduled.retryPolicy) };
      if (cause !== undefined) report.cause('Timeouts', issueId, cause, { HeartBeatingMetadata: metadata });
    }
    exhausted(scheduledId, scheduled.activityType?.name ?? '', 'cadenceInternal:Timeout');
  };

  const take = (event: HistoryEvent): void => {
    const { attributes } = event;
    switch (attributes?.$case) {
      case 'workflowExecutionStartedEventAttributes':
        started = { event, attributes: attributes.value };
        checkPolicy(report, event, attributes.value.retryPolicy, 'Workflow Retry configured but invalid');
        break;
      case 'activityTaskScheduledEventAttributes':
        activities.set(event.eventId, { event, attributes: attributes.value });
        checkActivity(report, event, attributes.value);
        break;
      case 'activityTaskStartedEventAttributes':
        attempts.set(attributes.value.scheduledEventId, attributes.value.attempt);
        break;
      case 'activityTaskFailedEventAttributes': {
        const { scheduledEventId, startedEventId, identity, failure } = attributes.value;
        const type = activities.get(scheduledEventId)?.attributes.activityType?.name ?? '';
        failed('Activity Failed', failure, {
          Identity: identity,
          ActivityType: type,
          ActivityScheduledID: Number(scheduledEventId),
          ActivityStartedID: Number(startedEventId),
        });
        exhausted(scheduledEventId, type, failure?.reason ?? '');
        break;
      }
      case 'activityTaskTimedOutEventAttributes':
        activityTimedOut(event, attributes.value.scheduledEventId, attributes.value.timeoutType);
        break;
      case 'startChildWorkflowExecutionInitiatedEventAttributes':
        children.set(event.eventId, { event, attributes: attributes.value });
        break;
      case 'childWorkflowExecutionTimedOutEventAttributes': {
        const child = children.get(attributes.value.initiatedEventId);
        report.add('Timeouts', 'Child Workflow Execution has timed out', 'START_TO_CLOSE', {
          ChildWfTimeout: {
            ExecutionTime: child === undefined ? 0 : timeNanos(event) - timeNanos(child.event),
            ConfiguredTimeout: nanosOf(child?.attributes.executionStartToCloseTimeout),
            Execution: executionJson(attributes.value.workflowExecution),
          },
        });
        break;
      }
      case 'decisionTaskTimedOutEventAttributes': {
        const issueId = report.add(
          'Timeouts',
          'Decision task has timed out',
          TIMEOUTS[attributes.value.timeoutType] ?? '',
          { DecisionTimeout: { ConfiguredTimeout: nanosOf(started?.attributes.taskStartToCloseTimeout) } },
        );
        questions.push({ issueId, taskList: started?.attributes.taskList, isActivity: false });
        break;
      }
      case 'decisionTaskFailedEventAttributes': {
        const { cause, identity, scheduledEventId, startedEventId, failure } = attributes.value;
        const name = DECISION_CAUSES.get(cause) ?? '';
        // A reset writes one: nothing failed.
        if (cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_WORKFLOW) break;
        const issueId = report.add('Failures', 'Decision caused failure', name || (failure?.reason ?? ''), {
          Identity: identity,
          FailureReason: failure?.reason,
          ActivityScheduledID: Number(scheduledEventId),
          ActivityStartedID: Number(startedEventId),
        });
        report.cause('Failures', issueId, name === 'WORKFLOW_WORKER_UNHANDLED_FAILURE' ? PANIC_CAUSE : ISSUE_CAUSE);
        break;
      }
      case 'workflowExecutionFailedEventAttributes':
        failed('Workflow Failed', attributes.value.failure, {});
        break;
      case 'workflowExecutionTimedOutEventAttributes': {
        const issueId = report.add('Timeouts', 'The Workflow Execution has timed out', 'START_TO_CLOSE', {
          ExecutionTimeout: {
            ExecutionTime: started === undefined ? 0 : timeNanos(event) - timeNanos(started.event),
            ConfiguredTimeout: nanosOf(started?.attributes.executionStartToCloseTimeout),
            Tasklist: taskListJson(started?.attributes.taskList),
            LastOngoingEvent: lastEventJson(previous),
          },
        });
        questions.push({ issueId, taskList: started?.attributes.taskList, isActivity: false });
        break;
      }
    }
    previous = event;
  };
  return { take, questions };
}

const DECISION_CAUSES: ReadonlyMap<number, string> = new Map(
  Object.entries(DecisionTaskFailedCause).flatMap(([name, value]) =>
    typeof value === 'number' ? [[value, name.replace('DECISION_TASK_FAILED_CAUSE_', '')] as const] : [],
  ),
);

const executionJson = (execution: { workflowId: string; runId: string } | undefined): object | null =>
  execution === undefined ? null : { workflowId: execution.workflowId, runId: execution.runId };

const lastEventJson = (event: HistoryEvent | undefined): object | null =>
  event === undefined
    ? null
    : {
        eventId: Number(event.eventId),
        timestamp: timeNanos(event),
        eventType: event.attributes?.$case.replace('EventAttributes', '').replace(/^./, (first) => first.toUpperCase()),
      };

function configuredTimeout(scheduled: ActivityTaskScheduledEventAttributes, timeoutType: TimeoutType) {
  switch (timeoutType) {
    case TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
      return scheduled.scheduleToStartTimeout;
    case TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE:
      return scheduled.scheduleToCloseTimeout;
    case TimeoutType.TIMEOUT_TYPE_HEARTBEAT:
      return scheduled.heartbeatTimeout;
    default:
      return scheduled.startToCloseTimeout;
  }
}

function heartbeatCause(hasHeartbeat: boolean, hasPolicy: boolean, timeoutType: TimeoutType): string | undefined {
  if (timeoutType === TimeoutType.TIMEOUT_TYPE_HEARTBEAT) {
    return hasPolicy
      ? 'Heartbeat timeout enabled for activity but timed out due to missing heartbeat'
      : 'Heartbeat timeout enabled for activity but there is no retry policy configured';
  }
  if (hasHeartbeat) {
    return hasPolicy ? undefined : 'Heartbeat timeout enabled for activity but there is no retry policy configured';
  }
  return hasPolicy
    ? 'Heartbeat timeout not enabled for activity but there is a retry policy configured'
    : 'Heartbeat timeout and retry policy are not configured';
}

function checkPolicy(report: ReportBuilder, event: HistoryEvent, policy: RetryPolicy | undefined, type: string): void {
  if (policy === undefined) return;
  const metadata = { EventID: Number(event.eventId), RetryPolicy: retryPolicyJson(policy) };
  if (policy.maximumAttempts === 1) {
    const reason = 'MaximumAttempts set to 1 will not retry since maximum attempts includes the first attempt.';
    report.add('Retries', type, reason, metadata);
  }
  const expiration = nanosOf(policy.expirationInterval);
  if (expiration > 0 && expiration < nanosOf(policy.initialInterval)) {
    const reason = 'ExpirationIntervalInSeconds less than  InitialIntervalInSeconds  will not retry.';
    report.add('Retries', type, reason, metadata);
  }
}

function checkActivity(
  report: ReportBuilder,
  event: HistoryEvent,
  attributes: ActivityTaskScheduledEventAttributes,
): void {
  checkPolicy(report, event, attributes.retryPolicy, 'Activity Retry configured but invalid');
  const heartbeat = nanosOf(attributes.heartbeatTimeout);
  if (heartbeat === 0 || heartbeat < nanosOf(attributes.startToCloseTimeout)) return;
  report.add(
    'Retries',
    'Activity Heartbeat configured but invalid',
    'Heartbeat timeout being equal or higher than StartToClose timeout will not provide any benefit.',
    { EventID: Number(event.eventId), RetryPolicy: retryPolicyJson(attributes.retryPolicy) },
  );
}
