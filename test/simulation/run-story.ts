// What a simulated workflow decides: a function of its history alone, so that any worker, after any loss, decides the same again. Each
// decision is drawn from the plan in the run's input and the number of decisions before it. Every run ends by itself: whatever a decision
// leaves pending ends some day, and a run with nothing pending closes.
import {
  type Decision,
  Decision as DecisionCodec,
  type HistoryEvent,
  ParentClosePolicy,
  type WorkflowExecutionStartedEventAttributes,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { Chance } from './chance.ts';
import type { DecisionKind } from './coverage.ts';
import { decodeInput, encodeInput, type StoryInput } from './story-input.ts';

export const seconds = (count: number) => ({ seconds: BigInt(Math.trunc(count)), nanos: 0 });

type Attributes = NonNullable<Decision['attributes']>;
interface Drawn {
  readonly kind: DecisionKind;
  readonly decision: Decision;
}

/** What the history says is going on. */
interface Progress {
  readonly started: WorkflowExecutionStartedEventAttributes;
  decisions: number;
  readonly activities: Map<number, { activityId: string; isCancelled: boolean }>;
  readonly timers: Map<string, number>;
  readonly children: Map<number, { workflowId: string }>;
  readonly externals: Set<number>;
  isCancelRequested: boolean;
}

function readProgress(events: readonly HistoryEvent[]): Progress {
  const first = events[0]?.attributes;
  if (first?.$case !== 'workflowExecutionStartedEventAttributes') throw new Error('a history starts with Started');
  const progress: Progress = {
    started: first.value,
    decisions: 0,
    activities: new Map(),
    timers: new Map(),
    children: new Map(),
    externals: new Set(),
    isCancelRequested: false,
  };
  for (const event of events) readEvent(progress, event);
  return progress;
}

function readEvent(progress: Progress, { eventId, attributes }: HistoryEvent): void {
  const id = Number(eventId);
  switch (attributes?.$case) {
    case 'decisionTaskCompletedEventAttributes':
      progress.decisions++;
      break;
    case 'activityTaskScheduledEventAttributes':
      progress.activities.set(id, { activityId: attributes.value.activityId, isCancelled: false });
      break;
    case 'activityTaskCancelRequestedEventAttributes':
      for (const activity of progress.activities.values()) {
        if (activity.activityId === attributes.value.activityId) activity.isCancelled = true;
      }
      break;
    case 'activityTaskCompletedEventAttributes':
    case 'activityTaskFailedEventAttributes':
    case 'activityTaskTimedOutEventAttributes':
    case 'activityTaskCanceledEventAttributes':
      progress.activities.delete(Number(attributes.value.scheduledEventId));
      break;
    case 'timerStartedEventAttributes':
      progress.timers.set(attributes.value.timerId, id);
      break;
    case 'timerFiredEventAttributes':
    case 'timerCanceledEventAttributes':
      progress.timers.delete(attributes.value.timerId);
      break;
    case 'startChildWorkflowExecutionInitiatedEventAttributes':
      progress.children.set(id, { workflowId: attributes.value.workflowId });
      break;
    case 'startChildWorkflowExecutionFailedEventAttributes':
    case 'childWorkflowExecutionCompletedEventAttributes':
    case 'childWorkflowExecutionFailedEventAttributes':
    case 'childWorkflowExecutionCanceledEventAttributes':
    case 'childWorkflowExecutionTimedOutEventAttributes':
    case 'childWorkflowExecutionTerminatedEventAttributes':
      progress.children.delete(Number(attributes.value.initiatedEventId));
      break;
    case 'signalExternalWorkflowExecutionInitiatedEventAttributes':
    case 'requestCancelExternalWorkflowExecutionInitiatedEventAttributes':
      progress.externals.add(id);
      break;
    case 'signalExternalWorkflowExecutionFailedEventAttributes':
    case 'externalWorkflowExecutionSignaledEventAttributes':
    case 'requestCancelExternalWorkflowExecutionFailedEventAttributes':
    case 'externalWorkflowExecutionCancelRequestedEventAttributes':
      progress.externals.delete(Number(attributes.value.initiatedEventId));
      break;
    case 'workflowExecutionCancelRequestedEventAttributes':
      progress.isCancelRequested = true;
      break;
  }
}

const DECISIONS_MAX = 8;

export function decideStory(
  workflowId: string,
  events: readonly HistoryEvent[],
  workflowIds: readonly string[],
): readonly Drawn[] {
  const progress = readProgress(events);
  const input = decodeInput(progress.started.input);
  const chance = new Chance(`${input.plan}/${progress.started.attempt}/${progress.decisions}`);
  if (progress.isCancelRequested && chance.is(0.6)) {
    return [
      drawn('cancelWorkflow', { $case: 'cancelWorkflowExecutionDecisionAttributes', value: { details: undefined } }),
    ];
  }
  const pendingCount =
    progress.activities.size + progress.timers.size + progress.children.size + progress.externals.size;
  const isLate = progress.decisions >= 2 + (input.plan % 4);
  const mayWait = pendingCount > 0 && progress.decisions < DECISIONS_MAX;
  if (isLate || (pendingCount === 0 && progress.decisions > 0 && chance.is(0.35))) {
    if (mayWait && chance.is(0.6)) return [];
    return [...extras(chance, input), close(chance, input, progress)];
  }
  if (mayWait && chance.is(0.25)) return [];
  return steps(chance, input, progress, workflowId, workflowIds);
}

const drawn = (kind: DecisionKind, attributes: Attributes): Drawn => ({
  kind,
  decision: DecisionCodec.fromPartial({ attributes }),
});

/** Work that leaves nothing pending. */
function extras(chance: Chance, input: StoryInput): Drawn[] {
  const list: Drawn[] = [];
  if (chance.is(0.2)) list.push(marker(chance, input));
  if (chance.is(0.15)) list.push(upsert(chance));
  return list;
}

function close(chance: Chance, input: StoryInput, progress: Progress): Drawn {
  const kind = chance.weighted({ complete: 6, fail: 1.5, continueAsNew: input.depth > 0 ? 3 : 0 });
  if (kind === 'complete') {
    return drawn('complete', {
      $case: 'completeWorkflowExecutionDecisionAttributes',
      value: { result: encodeInput({ tenant: input.tenant, decisions: progress.decisions }) },
    });
  }
  if (kind === 'fail') {
    return drawn('fail', {
      $case: 'failWorkflowExecutionDecisionAttributes',
      value: { failure: { reason: 'drawn', details: Buffer.from(input.tenant) } },
    });
  }
  const { started } = progress;
  const decision = DecisionCodec.fromPartial({
    attributes: {
      $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
      value: {
        input: encodeInput({ ...input, plan: input.plan + 7919, depth: input.depth - 1 }),
        retryPolicy: started.retryPolicy,
        cronSchedule: started.cronSchedule,
      },
    },
  });
  return { kind: 'continueAsNew', decision };
}

function steps(
  chance: Chance,
  input: StoryInput,
  progress: Progress,
  workflowId: string,
  workflowIds: readonly string[],
): Drawn[] {
  const list: Drawn[] = [];
  const count = chance.whole(1, 3);
  const prefix = `${progress.decisions}`;
  let leavesPending = false;
  for (let at = 0; at < count; at++) {
    const kind = chance.weighted({
      activity: 6,
      timer: 3,
      cancelActivity: progress.activities.size > 0 ? 2 : 0,
      cancelTimer: progress.timers.size > 0 ? 2 : 0,
      marker: 1,
      child: input.isChild ? 0 : 2,
      signalExternal: 1.5,
      cancelExternal: 0.7,
      upsert: 1,
    });
    const id = `${prefix}-${at}`;
    leavesPending ||= ['activity', 'timer', 'child', 'signalExternal', 'cancelExternal'].includes(kind);
    switch (kind) {
      case 'activity':
        list.push(activity(chance, input, id));
        break;
      case 'timer':
        list.push(timer(chance, `t${id}`));
        break;
      case 'cancelActivity': {
        const target = [...progress.activities.values()].find((candidate) => !candidate.isCancelled);
        if (target === undefined) break;
        target.isCancelled = true;
        list.push(
          drawn('cancelActivity', {
            $case: 'requestCancelActivityTaskDecisionAttributes',
            value: { activityId: target.activityId },
          }),
        );
        leavesPending = true;
        break;
      }
      case 'cancelTimer': {
        const [timerId] = progress.timers.keys();
        if (timerId === undefined) break;
        progress.timers.delete(timerId);
        list.push(drawn('cancelTimer', { $case: 'cancelTimerDecisionAttributes', value: { timerId } }));
        break;
      }
      case 'marker':
        list.push(marker(chance, input));
        break;
      case 'child':
        list.push(child(chance, input, `${workflowId}/c${id}`));
        break;
      case 'signalExternal':
        list.push(signalExternal(chance.pick(workflowIds), input));
        break;
      case 'cancelExternal':
        list.push(cancelExternal(chance.pick(workflowIds)));
        break;
      case 'upsert':
        list.push(upsert(chance));
        break;
    }
  }
  const remaining = progress.activities.size + progress.timers.size + progress.children.size + progress.externals.size;
  if (!leavesPending && remaining === 0) list.push(timer(chance, `t${prefix}-end`));
  return list;
}

function activity(chance: Chance, input: StoryInput, id: string): Drawn {
  const hasRetry = chance.is(0.5);
  const attributes = DecisionCodec.fromPartial({
    attributes: {
      $case: 'scheduleActivityTaskDecisionAttributes',
      value: {
        activityId: `a${id}`,
        activityType: { name: 'Work' },
        input: encodeInput({ tenant: input.tenant, plan: chance.whole(0, 2 ** 30) }),
        scheduleToCloseTimeout: seconds(chance.whole(15, 40)),
        scheduleToStartTimeout: seconds(chance.is(0.2) ? 2 : 20),
        startToCloseTimeout: seconds(chance.whole(2, 5)),
        heartbeatTimeout: seconds(chance.is(0.4) ? chance.whole(1, 2) : 0),
        retryPolicy: hasRetry
          ? {
              initialInterval: seconds(1),
              backoffCoefficient: 2,
              maximumInterval: seconds(4),
              maximumAttempts: chance.whole(2, 4),
              expirationInterval: seconds(30),
              nonRetryableErrorReasons: chance.is(0.2) ? ['drawn'] : [],
            }
          : undefined,
      },
    },
  });
  return { kind: hasRetry ? 'scheduleActivityWithRetry' : 'scheduleActivity', decision: attributes };
}

const timer = (chance: Chance, timerId: string): Drawn =>
  drawn('startTimer', {
    $case: 'startTimerDecisionAttributes',
    value: { timerId, startToFireTimeout: seconds(chance.whole(1, 6)) },
  });

const marker = (chance: Chance, input: StoryInput): Drawn =>
  drawn('marker', {
    $case: 'recordMarkerDecisionAttributes',
    value: { markerName: `m${chance.whole(0, 99)}`, details: encodeInput({ tenant: input.tenant }), header: undefined },
  });

const upsert = (chance: Chance): Drawn =>
  drawn('upsertSearchAttributes', {
    $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
    value: {
      searchAttributes: { indexedFields: { CustomIntField: { data: Buffer.from(String(chance.whole(0, 9))) } } },
    },
  });

const CHILD_KINDS = {
  startChildAbandon: ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON,
  startChildRequestCancel: ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
  startChildTerminate: ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
} as const;

function child(chance: Chance, input: StoryInput, workflowId: string): Drawn {
  const kind = chance.pick(['startChildAbandon', 'startChildRequestCancel', 'startChildTerminate'] as const);
  const decision = DecisionCodec.fromPartial({
    attributes: {
      $case: 'startChildWorkflowExecutionDecisionAttributes',
      value: {
        workflowId,
        workflowType: { name: 'Child' },
        taskList: undefined,
        input: encodeInput({
          tenant: input.tenant,
          plan: chance.whole(0, 2 ** 30),
          depth: chance.is(0.2) ? 1 : 0,
          isChild: true,
        }),
        executionStartToCloseTimeout: seconds(chance.is(0.15) ? 5 : 86_400),
        taskStartToCloseTimeout: seconds(4),
        parentClosePolicy: CHILD_KINDS[kind],
        workflowIdReusePolicy: chance.pick([
          WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
          WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
        ]),
      },
    },
  });
  return { kind, decision };
}

const signalExternal = (workflowId: string, input: StoryInput): Drawn =>
  drawn('signalExternal', {
    $case: 'signalExternalWorkflowExecutionDecisionAttributes',
    value: {
      domain: '',
      workflowExecution: { workflowId, runId: '' },
      signalName: 'from-outside',
      input: encodeInput({ tenant: input.tenant }),
      control: Buffer.alloc(0),
      childWorkflowOnly: false,
    },
  });

const cancelExternal = (workflowId: string): Drawn =>
  drawn('cancelExternal', {
    $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
    value: {
      domain: '',
      workflowExecution: { workflowId, runId: '' },
      control: Buffer.alloc(0),
      childWorkflowOnly: false,
    },
  });
