// acknowledged-is-durable and unknown-is-zero-or-one: what was acknowledged is in the histories exactly once, what was refused is not, and a
// call without an answer happened once or not at all, however often it was retried.
//
// "Once" is meant as the API promises it:
// - An effect is an effect once, in however many runs its event stands: a reset copies events of its base run into the new run.
// - A start is known again while the run that it made is its workflow id's current one; a signal, while the run that took it is the one
//   that is meant. So a retry that named no run may meet another run of the chain, and happen there too.
// - A forced failover cuts the regions apart: a retry of a start may make a run in each, of different failover versions. One of them
//   becomes current; that only one stays open is one-current-run's to check.
// - After a conflict of regions, the effects of the losing branch stand in that branch, which is kept (`elsewhere`). Its signals, and those
//   of a run that lost, are added again, with a later version, to the run that counts.
import type { HistoryEvent } from '@antiphon/proto';
import type { Journal, JournalEntry, Outcome } from './journal.ts';
import type { RunSnapshot, Violation } from './snapshot.ts';

/** What the event is an effect of, if of this call: events of one effect have one identity. */
function effectOf(event: HistoryEvent, entry: JournalEntry, run: RunSnapshot): string | undefined {
  const attributes = event.attributes;
  const { requestId } = entry;
  const ofRun = (is: boolean): string | undefined => (is ? run.runId : undefined);
  switch (entry.operation) {
    case 'start':
      if (attributes?.$case !== 'workflowExecutionStartedEventAttributes') return undefined;
      return attributes.value.requestId === requestId ? attributes.value.originalExecutionRunId : undefined;
    case 'signal':
      return ofRun(
        attributes?.$case === 'workflowExecutionSignaledEventAttributes' && attributes.value.requestId === requestId,
      );
    case 'cancel':
      return ofRun(
        attributes?.$case === 'workflowExecutionCancelRequestedEventAttributes' &&
          attributes.value.requestId === requestId,
      );
    case 'terminate':
      return ofRun(
        attributes?.$case === 'workflowExecutionTerminatedEventAttributes' && attributes.value.reason === requestId,
      );
    case 'reset': {
      const isReset =
        attributes?.$case === 'decisionTaskFailedEventAttributes' ||
        attributes?.$case === 'decisionTaskTimedOutEventAttributes';
      return isReset && attributes.value.requestId === requestId ? attributes.value.newRunId : undefined;
    }
    case 'completion':
      return ofRun(
        attributes?.$case === 'activityTaskCompletedEventAttributes' &&
          Buffer.from(attributes.value.result?.data ?? []).toString() === requestId,
      );
  }
}

interface Found {
  /** How often each effect stands in each run's history: run id → effect → count. */
  readonly current: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly effects: ReadonlySet<string>;
  /** Failover versions that the effects were written with. */
  readonly versions: ReadonlySet<bigint>;
  readonly isElsewhere: boolean;
}

function find(runs: readonly RunSnapshot[], entry: JournalEntry): Found {
  const current = new Map<string, Map<string, number>>();
  const effects = new Set<string>();
  const versions = new Set<bigint>();
  let isElsewhere = false;
  for (const run of runs) {
    for (const event of run.events) {
      const effect = effectOf(event, entry, run);
      if (effect === undefined) continue;
      effects.add(effect);
      versions.add(event.version);
      const counts = current.get(run.runId) ?? new Map<string, number>();
      current.set(run.runId, counts);
      counts.set(effect, (counts.get(effect) ?? 0) + 1);
    }
    isElsewhere ||= run.elsewhere?.some((event) => effectOf(event, entry, run) !== undefined) ?? false;
  }
  return { current, effects, versions, isElsewhere };
}

/** True when the run's history is a copy of another's up to a reset. */
const isReset = (run: RunSnapshot): boolean =>
  run.events.some(
    ({ attributes }) =>
      (attributes?.$case === 'decisionTaskFailedEventAttributes' ||
        attributes?.$case === 'decisionTaskTimedOutEventAttributes') &&
      attributes.value.newRunId === run.runId,
  );

/** True when no two of the runs that the request started were started by one region. */
function startedInDifferentRegions(runs: readonly RunSnapshot[], requestId: string): boolean {
  const versions = runs.flatMap(({ events }) => {
    const first = events[0];
    const { attributes } = first ?? {};
    const isStart = attributes?.$case === 'workflowExecutionStartedEventAttributes';
    return isStart && attributes.value.requestId === requestId ? [first?.version] : [];
  });
  return new Set(versions).size === versions.length;
}

/** Too often, or undefined. */
function repetition(found: Found, runs: readonly RunSnapshot[], attempts: readonly JournalEntry[]): string | undefined {
  for (const [runId, counts] of found.current) {
    for (const count of counts.values()) if (count > 1) return `is ${count} times in run ${runId}`;
  }
  if (found.effects.size <= 1) return undefined;
  const entry = attempts[0] as JournalEntry;
  if (entry.operation === 'start' && startedInDifferentRegions(runs, entry.requestId)) return undefined;
  if (entry.operation === 'signal' && found.versions.size > 1) return undefined;
  const isCopied = runs.some((run) => found.current.has(run.runId) && isReset(run));
  if (entry.operation !== 'start' && entry.operation !== 'reset' && isCopied) return undefined;
  // Another run was current meanwhile: then the request was not known any more.
  const hasOthers = runs.some((run) => !found.current.has(run.runId));
  const mayMeetOthers = entry.namedRunId === undefined || entry.operation === 'reset';
  const isRepeated = attempts.length > 1 || attempts.some(({ isDuplicated }) => isDuplicated);
  if (isRepeated && mayMeetOthers && (entry.operation === 'start' ? hasOthers : true)) return undefined;
  return `happened ${found.effects.size} times: ${[...found.effects].join(', ')}`;
}

/** The outcome of a logical call: acknowledged if any attempt was, refused only if all were. */
const combined = (attempts: readonly JournalEntry[]): Outcome =>
  attempts.some((attempt) => attempt.outcome === 'acknowledged')
    ? 'acknowledged'
    : attempts.some((attempt) => attempt.outcome === 'unknown' || attempt.isDuplicated)
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
    const attempts = calls.get(key);
    if (attempts === undefined) calls.set(key, [entry]);
    else attempts.push(entry);
  }
  const violations: Violation[] = [];
  for (const attempts of calls.values()) {
    const entry = attempts[0] as JournalEntry;
    const outcome = combined(attempts);
    const ofWorkflow = byWorkflow.get(entry.workflowId) ?? [];
    const found = find(ofWorkflow, entry);
    const name = `${entry.operation} ${entry.signalName ?? ''} (request ${entry.requestId}, ${attempts.length} attempts)`;
    const report = (checker: string, problem: string): void => {
      violations.push({ checker, workflowId: entry.workflowId, story: `${name} ${problem}` });
    };
    const isThere = found.effects.size > 0;
    if (outcome === 'acknowledged' && !isThere && !found.isElsewhere && !options.replicatedOnly) {
      report('acknowledged-is-durable', 'was acknowledged and is in no history');
    }
    if (outcome === 'refused' && isThere) {
      report('acknowledged-is-durable', `was refused (${entry.detail ?? ''}) and is in the history`);
    }
    const tooOften = repetition(found, ofWorkflow, attempts);
    if (tooOften !== undefined) {
      report(outcome === 'acknowledged' ? 'acknowledged-is-durable' : 'unknown-is-zero-or-one', tooOften);
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
