// Auto-reset points: where each binary of a workflow's worker first completed a decision, so that a bad deployment can be undone
// (semantics §2.14). They ride along a continued-as-new chain.
import type { HistoryEvent, ResetPointInfo, ResetPoints } from '@antiphon/proto';
import type { StateDraft } from './draft.ts';
import type { EventCase } from './event-ids.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { eventTimeMs, msOf, timestampOf } from './wire-time.ts';

const encoder = new TextEncoder();

/** Ends of children, signals and cancels of other runs. Waiting in the buffer, they come after the completion in the history. */
const OUTSIDE_ENDS: ReadonlySet<string> = new Set<EventCase>([
  'startChildWorkflowExecutionFailedEventAttributes',
  'childWorkflowExecutionCompletedEventAttributes',
  'childWorkflowExecutionFailedEventAttributes',
  'childWorkflowExecutionCanceledEventAttributes',
  'childWorkflowExecutionTimedOutEventAttributes',
  'childWorkflowExecutionTerminatedEventAttributes',
  'requestCancelExternalWorkflowExecutionFailedEventAttributes',
  'externalWorkflowExecutionCancelRequestedEventAttributes',
  'signalExternalWorkflowExecutionFailedEventAttributes',
  'externalWorkflowExecutionSignaledEventAttributes',
]);

/** True when, at this place in the history, something asked of another run is open. */
function hasOutsideWork(draft: StateDraft): boolean {
  if (draft.children.size > 0 || draft.requestCancels.size > 0 || draft.signals.size > 0) return true;
  return draft.storedBuffer.some(({ attributes }) => attributes !== undefined && OUTSIDE_ENDS.has(attributes.$case));
}

/** Remembers the first completion of a binary. The limit is a constant, as both regions must come to the same state. */
export function addResetPoint(draft: StateDraft, binaryChecksum: string, event: HistoryEvent): void {
  if (binaryChecksum === '') return;
  const { info } = draft;
  const known = info.autoResetPoints?.points ?? [];
  if (known.some((point) => point.binaryChecksum === binaryChecksum)) return;
  const points = known.slice(Math.max(0, known.length - DEFAULT_LIMITS.resetPointCountMax + 1));
  points.push({
    binaryChecksum,
    runId: info.runId,
    firstDecisionCompletedId: event.eventId,
    createdTime: timestampOf(eventTimeMs(event)),
    expiringTime: undefined,
    resettable: !hasOutsideWork(draft),
  });
  info.autoResetPoints = { points };
  const data = encoder.encode(JSON.stringify(points.map((point) => point.binaryChecksum)));
  info.searchAttributes = {
    indexedFields: { ...info.searchAttributes?.indexedFields, BinaryChecksums: { data } },
  };
}

/** Points for the next run of a chain: those of this run expire with its history. */
export function rollOverResetPoints(
  points: ResetPoints | undefined,
  runId: string,
  expiringTimeMs: number,
): ResetPoints {
  const expiringTime = timestampOf(expiringTimeMs);
  return {
    points: (points?.points ?? []).map((point) => (point.runId === runId ? { ...point, expiringTime } : point)),
  };
}

/** The first point made by a bad binary that a reset can still go back to. */
export function findBadResetPoint(
  points: ResetPoints | undefined,
  badBinaries: ReadonlySet<string>,
  nowMs: number,
): ResetPointInfo | undefined {
  if (points === undefined || badBinaries.size === 0) return undefined;
  return points.points.find(
    (point) =>
      point.resettable &&
      badBinaries.has(point.binaryChecksum) &&
      (point.expiringTime === undefined || msOf(point.expiringTime) > nowMs),
  );
}
