// history-wellformed: ids dense from 1, versions never decrease, Started first, a close event last and only there, and every event that
// answers another one finds it before itself, once.
import type { HistoryEvent } from '@antiphon/proto';
import { isClose, kindOf, type RunSnapshot, type Violation } from './snapshot.ts';

type Attributes = Readonly<Record<string, unknown>>;

const attributesOf = (event: HistoryEvent): Attributes => (event.attributes?.value ?? {}) as unknown as Attributes;

// kind of an answer → (field that names the question, kind of the question)
const ANSWERS: Readonly<Record<string, readonly [field: string, question: string]>> = {
  decisionTaskStarted: ['scheduledEventId', 'decisionTaskScheduled'],
  decisionTaskCompleted: ['scheduledEventId', 'decisionTaskScheduled'],
  activityTaskStarted: ['scheduledEventId', 'activityTaskScheduled'],
  activityTaskCompleted: ['scheduledEventId', 'activityTaskScheduled'],
  activityTaskFailed: ['scheduledEventId', 'activityTaskScheduled'],
  activityTaskTimedOut: ['scheduledEventId', 'activityTaskScheduled'],
  activityTaskCanceled: ['scheduledEventId', 'activityTaskScheduled'],
  timerFired: ['startedEventId', 'timerStarted'],
  timerCanceled: ['startedEventId', 'timerStarted'],
  childWorkflowExecutionStarted: ['initiatedEventId', 'startChildWorkflowExecutionInitiated'],
  childWorkflowExecutionCompleted: ['initiatedEventId', 'startChildWorkflowExecutionInitiated'],
  childWorkflowExecutionFailed: ['initiatedEventId', 'startChildWorkflowExecutionInitiated'],
  externalWorkflowExecutionSignaled: ['initiatedEventId', 'signalExternalWorkflowExecutionInitiated'],
};

// Kinds that end a question: at most one of them for each.
const ENDINGS: Readonly<Record<string, string>> = {
  activityTaskCompleted: 'activity',
  activityTaskFailed: 'activity',
  activityTaskTimedOut: 'activity',
  activityTaskCanceled: 'activity',
  timerFired: 'timer',
  timerCanceled: 'timer',
  decisionTaskCompleted: 'decision',
};

export function historyWellformed(runs: readonly RunSnapshot[]): Violation[] {
  return runs.flatMap((run) =>
    faults(run).map((story) => ({
      checker: 'history-wellformed',
      workflowId: run.workflowId,
      story: `run ${run.runId}: ${story}`,
    })),
  );
}

function faults(run: RunSnapshot): string[] {
  const found: string[] = [];
  const { events } = run;
  const byId = new Map<number, HistoryEvent>();
  const ended = new Set<string>();
  if (kindOf(events[0]) !== 'workflowExecutionStarted') found.push(`the first event is ${kindOf(events[0])}`);
  events.forEach((event, index) => {
    const id = Number(event.eventId);
    const kind = kindOf(event);
    if (id !== index + 1) found.push(`event ${index + 1} has id ${id}`);
    const previous = events[index - 1];
    if (previous && event.version < previous.version) {
      found.push(`version falls from ${previous.version} to ${event.version} at event ${id}`);
    }
    if (isClose(event) && index !== events.length - 1) found.push(`${kind} at ${id} is not the last event`);
    const answer = ANSWERS[kind];
    if (answer) {
      const [field, question] = answer;
      const asked = Number(attributesOf(event)[field]);
      if (kindOf(byId.get(asked)) !== question) {
        found.push(`${kind} at ${id} answers event ${asked}, which is ${kindOf(byId.get(asked))}`);
      }
      const ending = ENDINGS[kind];
      if (ending !== undefined) {
        if (ended.has(`${ending} ${asked}`))
          found.push(`${kind} at ${id} ends the ${ending} of event ${asked} a second time`);
        ended.add(`${ending} ${asked}`);
      }
    }
    byId.set(id, event);
  });
  if (run.isOpen === isClose(events.at(-1))) {
    found.push(`it is ${run.isOpen ? 'open' : 'closed'} and its last event is ${kindOf(events.at(-1))}`);
  }
  return found;
}
