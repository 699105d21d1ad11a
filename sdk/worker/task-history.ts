// The history a decision task needs: what came with it, further pages, or all of it from the start when the worker has no
// state of the run. Event ids are checked to be dense, and nothing beyond the task's own events is kept.
import { type HistoryEvent, type PollForDecisionTaskResponse, WorkflowAPIService } from '@antiphon/proto';
import type { ServiceCalls } from '../transport/index.ts';

export interface TaskHistory {
  /** Continues the events that came with the task. */
  readonly fromTask: () => Promise<HistoryEvent[]>;
  /** All events from the first one. */
  readonly fromStart: () => Promise<HistoryEvent[]>;
}

const PAGE_SIZE = 1000;

export function isFullHistory(events: readonly HistoryEvent[]): boolean {
  return events[0]?.attributes?.$case === 'workflowExecutionStartedEventAttributes';
}

/** The events up to the task's decision start; a repeated attempt's start, which is not persisted, is supplied. */
function trim(events: HistoryEvent[], task: PollForDecisionTaskResponse): HistoryEvent[] {
  const lastWanted = task.startedEventId > 0n ? task.startedEventId : task.nextEventId - 1n;
  const kept = lastWanted > 0n ? events.filter((event) => event.eventId <= lastWanted) : events;
  for (let i = 1; i < kept.length; i++) {
    const [previous, current] = [kept[i - 1]?.eventId ?? 0n, kept[i]?.eventId ?? 0n];
    if (current !== previous + 1n) throw new Error(`missing history events: ${previous} is followed by ${current}`);
  }
  const lastId = kept.at(-1)?.eventId ?? 0n;
  if (task.startedEventId === 0n || lastId === 0n || lastId >= task.startedEventId) return kept;
  // Decision attempts after the first have events only when they succeed.
  const isTransient = task.attempt > 0n && task.startedEventId - lastId <= 2n;
  if (!isTransient) {
    throw new Error(
      `premature end of history: event ${lastId} is the last, decision started at ${task.startedEventId}`,
    );
  }
  const attributes: HistoryEvent['attributes'] = {
    $case: 'decisionTaskStartedEventAttributes',
    value: { scheduledEventId: task.startedEventId - 1n, identity: '', requestId: '' },
  };
  const started = { eventId: task.startedEventId, eventTime: task.startedTime, version: 0n, taskId: 0n, attributes };
  return [...kept, started];
}

export function createTaskHistory(calls: ServiceCalls, domain: string, task: PollForDecisionTaskResponse): TaskHistory {
  const pages = async (events: HistoryEvent[], firstToken: Uint8Array | undefined): Promise<HistoryEvent[]> => {
    let token = firstToken;
    while (token !== undefined && (token.length > 0 || events.length === 0)) {
      const response = await calls.call(WorkflowAPIService.getWorkflowExecutionHistory, {
        domain,
        workflowExecution: task.workflowExecution,
        pageSize: PAGE_SIZE,
        nextPageToken: token,
        waitForNewEvent: false,
        historyEventFilterType: 0,
        skipArchival: true,
        queryConsistencyLevel: 0,
      });
      if (response.rawHistory.length > 0) {
        throw new Error('the service sent raw history, which this SDK does not read: turn SendRawWorkflowHistory off');
      }
      events.push(...(response.history?.events ?? []));
      token = response.nextPageToken.length > 0 ? response.nextPageToken : undefined;
    }
    return trim(events, task);
  };
  const own = task.history?.events ?? [];
  return {
    fromTask: () => pages([...own], task.nextPageToken.length > 0 ? task.nextPageToken : undefined),
    fromStart: () =>
      isFullHistory(own)
        ? pages([...own], task.nextPageToken.length > 0 ? task.nextPageToken : undefined)
        : pages([], new Uint8Array()),
  };
}
