// Event ids that are not positions in a history: markers kept in stored state (semantics §2.1), and the shapes of event attributes.
import type { HistoryEvent } from '@antiphon/proto';

/** Started id of a started activity that has no Started event yet (it has a retry policy). */
export const TRANSIENT_EVENT_ID = -124;
/** Id of an event that waits in the buffer. */
export const BUFFERED_EVENT_ID = -123;
/** What Cadence writes where no event is meant. */
export const EMPTY_EVENT_ID = -23;
/** Task id of an event that is not in the history. */
export const EMPTY_EVENT_TASK_ID = -1234;

export type EventAttributes = NonNullable<HistoryEvent['attributes']>;
export type EventCase = EventAttributes['$case'];
export type AttributesOf<C extends EventCase> = Extract<EventAttributes, { $case: C }>['value'];
