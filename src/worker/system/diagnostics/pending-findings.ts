// What is wrong with a run right now: decisions and activities that nobody takes, attempts that keep failing, and a history that grows
// towards its limit. Pure: from its description.
import { type DescribeWorkflowExecutionResponse, PendingActivityState, PendingDecisionState } from '@antiphon/proto';
import type { PollerQuestion } from './history-findings.ts';
import type { ReportBuilder } from './report.ts';

/** A task that waits for less is on its way. */
const WAITING_MS = 10_000;
/** Half of what makes a warning. */
const LARGE_HISTORY_EVENTS = 25_600;

const msOf = (time: { seconds: bigint; nanos: number } | undefined): number =>
  time === undefined ? 0 : Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);

/** Whether somebody polls is asked of the task lists; the activities' own are in the history. */
export function findPending(
  report: ReportBuilder,
  described: DescribeWorkflowExecutionResponse,
  nowMs: number,
  taskListOfActivity: (scheduleId: bigint) => PollerQuestion['taskList'],
): readonly PollerQuestion[] {
  const questions: PollerQuestion[] = [];
  const { pendingDecision: decision, executionConfiguration, workflowExecutionInfo: info } = described;
  if (decision !== undefined) {
    const waitedMs = nowMs - msOf(decision.originalScheduledTime ?? decision.scheduledTime);
    const isScheduled = decision.state === PendingDecisionState.PENDING_DECISION_STATE_SCHEDULED;
    if (decision.attempt > 0) {
      const reason = `The decision has failed or timed out ${decision.attempt} times in a row; it is tried again`;
      report.add('Pending', 'Decision task keeps failing', reason, { Attempt: decision.attempt, PendingMs: waitedMs });
    }
    if (isScheduled && waitedMs >= WAITING_MS) {
      const reason = 'No worker has taken the decision';
      const issueId = report.add('Pending', 'Decision task waits', reason, { PendingMs: waitedMs });
      questions.push({ issueId, taskList: executionConfiguration?.taskList, isActivity: false });
    }
  }
  for (const activity of described.pendingActivities) {
    const { activityId, attempt, maximumAttempts, lastFailure } = activity;
    const metadata = {
      ActivityID: activityId,
      ActivityType: activity.activityType?.name ?? '',
      Attempt: attempt,
      MaximumAttempts: maximumAttempts,
      Identity: activity.lastWorkerIdentity,
    };
    if (lastFailure !== undefined && attempt > 0) {
      const left = maximumAttempts > 0 ? ` of ${maximumAttempts}` : '';
      const reason = `Attempt ${attempt}${left} ended with: ${lastFailure.reason}`;
      report.add('Pending', 'Activity keeps failing', reason, metadata);
    }
    const waitedMs = nowMs - msOf(activity.scheduledTime);
    const isScheduled = activity.state === PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED;
    if (!isScheduled || msOf(activity.scheduledTime) === 0 || waitedMs < WAITING_MS) continue;
    const reason = 'No worker has taken the activity';
    const issueId = report.add('Pending', 'Activity task waits', reason, { ...metadata, PendingMs: waitedMs });
    questions.push({ issueId, taskList: taskListOfActivity(activity.scheduleId), isActivity: true });
  }
  const length = Number(info?.historyLength ?? 0n);
  if (length >= LARGE_HISTORY_EVENTS) {
    report.add(
      'Size',
      'History is large',
      `The history has ${length} events; continue as new before it reaches the limit`,
      {
        HistoryLength: length,
      },
    );
  }
  return questions;
}
