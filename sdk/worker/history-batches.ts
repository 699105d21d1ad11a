// Cuts a history into the batches that one decision each saw: what the decision before produced, what happened since, and a
// DecisionTaskStarted that was completed. Decision attempts that failed or timed out leave no trace, but a reset does: it
// gives the run a new seed.
import { DecisionTaskFailedCause, type HistoryEvent } from '@antiphon/proto';
import { timeMsOf } from '../transport/wire-conversions.ts';

export interface HistoryBatch {
  /** In event order, without the bookkeeping of decision tasks. */
  readonly events: readonly HistoryEvent[];
  /** Id of the DecisionTaskStarted that ended it, or of the last event when none did. */
  readonly endEventId: number;
  /** Time of that event. */
  readonly endTimeMs: number;
  /** False for a tail after the last decision: seen only by queries of runs without a worker's state. */
  readonly isDecided: boolean;
}

const SKIPPED = new Set([
  'decisionTaskScheduledEventAttributes',
  'decisionTaskTimedOutEventAttributes',
  'decisionTaskStartedEventAttributes',
  'decisionTaskCompletedEventAttributes',
]);

function isKept(event: HistoryEvent): boolean {
  const { attributes } = event;
  if (!attributes) return false;
  if (attributes.$case === 'decisionTaskFailedEventAttributes') {
    return attributes.value.cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_WORKFLOW;
  }
  return !SKIPPED.has(attributes.$case);
}

function isAbandoned(next: HistoryEvent | undefined): boolean {
  const kind = next?.attributes?.$case;
  return kind === 'decisionTaskFailedEventAttributes' || kind === 'decisionTaskTimedOutEventAttributes';
}

export function splitIntoBatches(history: readonly HistoryEvent[]): HistoryBatch[] {
  const batches: HistoryBatch[] = [];
  let events: HistoryEvent[] = [];
  history.forEach((event, index) => {
    if (isKept(event)) events.push(event);
    if (event.attributes?.$case !== 'decisionTaskStartedEventAttributes' || isAbandoned(history[index + 1])) return;
    batches.push({ events, endEventId: Number(event.eventId), endTimeMs: timeMsOf(event.eventTime), isDecided: true });
    events = [];
  });
  const last = history.at(-1);
  if (events.length > 0 && last) {
    batches.push({ events, endEventId: Number(last.eventId), endTimeMs: timeMsOf(last.eventTime), isDecided: false });
  }
  return batches;
}
