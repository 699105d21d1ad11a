// Signals as events of a history, and which of them a run has: told by request id, which every signal has or is given here.
import type { HistoryEvent } from '@antiphon/proto';

/** The signals among the events, each with a request id. */
export function signalsOf(events: readonly HistoryEvent[], runId: string): readonly HistoryEvent[] {
  const signals: HistoryEvent[] = [];
  for (const event of events) {
    const { attributes } = event;
    if (attributes?.$case !== 'workflowExecutionSignaledEventAttributes') continue;
    const requestId = attributes.value.requestId || `lost-signal:${runId}:${event.eventId}:${event.version}`;
    signals.push({ ...event, attributes: { ...attributes, value: { ...attributes.value, requestId } } });
  }
  return signals;
}

const requestIdOf = ({ attributes }: HistoryEvent): string =>
  attributes?.$case === 'workflowExecutionSignaledEventAttributes' ? attributes.value.requestId : '';

export const requestIdsOf = (events: readonly HistoryEvent[]): ReadonlySet<string> => new Set(events.map(requestIdOf));

/** Those of the signals that are not among the request ids. */
export const missingSignals = (
  signals: readonly HistoryEvent[],
  present: ReadonlySet<string>,
): readonly HistoryEvent[] => signals.filter((signal) => !present.has(requestIdOf(signal)));
