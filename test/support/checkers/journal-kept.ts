// acknowledged-is-durable and unknown-is-zero-or-one: what was acknowledged is in the histories exactly once, what was refused is not, and a
// call without an answer happened once or not at all, however often it was retried.
import type { HistoryEvent } from '@antiphon/proto';
import type { Journal, JournalEntry, Outcome } from './journal.ts';
import type { RunSnapshot, Violation } from './snapshot.ts';

/** How often each logical call stands in the histories of its workflow id. */
function occurrences(runs: readonly RunSnapshot[], entry: JournalEntry): number {
  let found = 0;
  for (const run of runs) {
    for (const event of run.events) if (isEffect(event, entry)) found++;
  }
  return found;
}

function isEffect(event: HistoryEvent, entry: JournalEntry): boolean {
  const attributes = event.attributes;
  switch (entry.operation) {
    case 'start':
      return (
        attributes?.$case === 'workflowExecutionStartedEventAttributes' &&
        attributes.value.requestId === entry.requestId
      );
    case 'signal':
      return (
        attributes?.$case === 'workflowExecutionSignaledEventAttributes' &&
        attributes.value.requestId === entry.requestId
      );
    case 'cancel':
      return (
        attributes?.$case === 'workflowExecutionCancelRequestedEventAttributes' &&
        attributes.value.requestId === entry.requestId
      );
    case 'terminate':
      return (
        attributes?.$case === 'workflowExecutionTerminatedEventAttributes' &&
        attributes.value.reason === entry.requestId
      );
  }
}

/** The outcome of a logical call: acknowledged if any attempt was, refused only if all were. */
const combined = (attempts: readonly JournalEntry[]): Outcome =>
  attempts.some((attempt) => attempt.outcome === 'acknowledged')
    ? 'acknowledged'
    : attempts.some((attempt) => attempt.outcome === 'unknown')
      ? 'unknown'
      : 'refused';

export function journalKept(
  journal: Journal,
  runs: readonly RunSnapshot[],
  options: { replicatedOnly?: boolean } = {},
): Violation[] {
  const byWorkflow = groupRuns(runs);
  const calls = new Map<string, JournalEntry[]>();
  for (const entry of journal.entries) {
    const key = `${entry.operation} ${entry.requestId}`;
    calls.set(key, [...(calls.get(key) ?? []), entry]);
  }
  const violations: Violation[] = [];
  for (const attempts of calls.values()) {
    const entry = attempts[0] as JournalEntry;
    const outcome = combined(attempts);
    const found = occurrences(byWorkflow.get(entry.workflowId) ?? [], entry);
    const name = `${entry.operation} ${entry.signalName ?? ''} (request ${entry.requestId}, ${attempts.length} attempts)`;
    if (outcome === 'acknowledged' && found !== 1 && !(options.replicatedOnly && found === 0)) {
      violations.push({
        checker: 'acknowledged-is-durable',
        workflowId: entry.workflowId,
        story: `${name} was acknowledged and is ${found} times in the histories`,
      });
    }
    if (outcome === 'unknown' && found > 1) {
      violations.push({
        checker: 'unknown-is-zero-or-one',
        workflowId: entry.workflowId,
        story: `${name} is ${found} times in the histories`,
      });
    }
    if (outcome === 'refused' && found > 0) {
      violations.push({
        checker: 'acknowledged-is-durable',
        workflowId: entry.workflowId,
        story: `${name} was refused (${entry.detail ?? ''}) and is in the history`,
      });
    }
  }
  return violations;
}

function groupRuns(runs: readonly RunSnapshot[]): Map<string, RunSnapshot[]> {
  const groups = new Map<string, RunSnapshot[]>();
  for (const run of runs) {
    const group = groups.get(run.workflowId);
    if (group) group.push(run);
    else groups.set(run.workflowId, [run]);
  }
  return groups;
}
