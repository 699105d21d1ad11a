// Decisions that the server refuses: the decision fails with a cause and a text, what it did is dropped, and a new one is scheduled. The RPC
// itself succeeds.
import { ContinueAsNewInitiator, type Decision } from '@antiphon/proto';
import {
  activity,
  cancelActivity,
  cancelExternal,
  cancelTimer,
  completeWorkflow,
  continueAsNew,
  failWorkflow,
  payload,
  recordMarker,
  scheduleActivity,
  seconds,
  signalExternal,
  startChild,
  startTimer,
  timer,
  upsertSearchAttributes,
} from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import { eventType } from '../transcript.ts';

type Decisions = readonly Decision['attributes'][];

const DECIDER = ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER;
const long = 'x'.repeat(1001);
const child = (more: Parameters<typeof startChild>[0]): Decision['attributes'] =>
  startChild({ workflowId: 'child', workflowType: { name: 'Child' }, ...more });
const target = (more: Parameters<typeof signalExternal>[0] = {}): Decision['attributes'] =>
  signalExternal({ workflowExecution: { workflowId: 'target' }, signalName: 'go', ...more });
const retryPolicy = { initialInterval: seconds(1), backoffCoefficient: 2, maximumAttempts: 3 };
const upsert = (fields: Record<string, string>): Decision['attributes'] =>
  upsertSearchAttributes({
    searchAttributes: {
      indexedFields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, payload(value)])),
    },
  });

const refused: Readonly<Record<string, Decisions>> = {
  'an activity without an id': [activity('')],
  'an activity with an id too long': [activity(long)],
  'an activity without a type': [activity('a', { activityType: undefined })],
  'an activity with an empty type': [activity('a', { activityType: { name: '' } })],
  'an activity with a type too long': [activity('a', { activityType: { name: long } })],
  'an activity without timeouts': [scheduleActivity({ activityId: 'a', activityType: { name: 'A' } })],
  'an activity with only schedule to start': [
    scheduleActivity({ activityId: 'a', activityType: { name: 'A' }, scheduleToStartTimeout: seconds(5) }),
  ],
  'an activity with only start to close': [
    scheduleActivity({ activityId: 'a', activityType: { name: 'A' }, startToCloseTimeout: seconds(5) }),
  ],
  'an activity with schedule to close below zero': [activity('a', { scheduleToCloseTimeout: seconds(-1) })],
  'an activity with schedule to start below zero': [activity('a', { scheduleToStartTimeout: seconds(-1) })],
  'an activity with start to close below zero': [activity('a', { startToCloseTimeout: seconds(-1) })],
  'an activity with a heartbeat below zero': [activity('a', { heartbeatTimeout: seconds(-1) })],
  'an activity with a bad retry policy': [activity('a', { retryPolicy: { ...retryPolicy, backoffCoefficient: 0.5 } })],
  'an activity with a retry policy without end': [
    activity('a', { retryPolicy: { ...retryPolicy, maximumAttempts: 0 } }),
  ],
  'an activity of another domain': [activity('a', { domain: 'diff-limits' })],
  'an activity with a reserved task list': [activity('a', { taskList: { name: '/__cadence_sys/x/1' } })],
  'an activity with a task list too long': [activity('a', { taskList: { name: long } })],
  'two activities of one id': [activity('a'), activity('a')],
  'a sound activity before a bad one': [activity('a'), activity('')],
  'a cancel of an activity without id': [cancelActivity({ activityId: '' })],
  'a cancel of an activity with an id too long': [cancelActivity({ activityId: long })],
  'a timer without an id': [timer('', 5)],
  'a timer with an id too long': [timer(long, 5)],
  'a timer without a time': [startTimer({ timerId: 't' })],
  'a timer of zero seconds': [timer('t', 0)],
  'a timer below zero': [timer('t', -1)],
  'a timer below a second': [startTimer({ timerId: 't', startToFireTimeout: { seconds: 0n, nanos: 500_000_000 } })],
  'two timers of one id': [timer('t', 50), timer('t', 60)],
  'a cancel of a timer without id': [cancelTimer({ timerId: '' })],
  'a cancel of a timer with an id too long': [cancelTimer({ timerId: long })],
  'a marker without a name': [recordMarker({})],
  'a marker with a name too long': [recordMarker({ markerName: long })],
  'a failed workflow without a reason': [failWorkflow({})],
  'a child without an id': [child({ workflowId: '' })],
  'a child with an id too long': [child({ workflowId: long })],
  'a child without a type': [child({ workflowType: undefined })],
  'a child with an empty type': [child({ workflowType: { name: '' } })],
  'a child with a type too long': [child({ workflowType: { name: long } })],
  'a child with a reserved task list': [child({ taskList: { name: '/__cadence_sys/x/1' } })],
  'a child with a bad retry policy': [child({ retryPolicy: { ...retryPolicy, maximumAttempts: -1 } })],
  'a child with a bad cron schedule': [child({ cronSchedule: 'never' })],
  'a child with an execution timeout below zero': [child({ executionStartToCloseTimeout: seconds(-1) })],
  'a child with a task timeout below zero': [child({ taskStartToCloseTimeout: seconds(-1) })],
  'a child with an unknown search attribute': [
    child({ searchAttributes: { indexedFields: { Colour: payload('"red"') } } }),
  ],
  'a signal to a workflow without an execution': [signalExternal({ signalName: 'go' })],
  'a signal to a workflow without id': [target({ workflowExecution: { workflowId: '' } })],
  'a signal to a workflow with an id too long': [target({ workflowExecution: { workflowId: long } })],
  'a signal to a run id that is none': [target({ workflowExecution: { workflowId: 'target', runId: 'no' } })],
  'a signal without a name': [target({ signalName: '' })],
  'a signal with a name too long': [target({ signalName: long })],
  'a cancel of a workflow without an execution': [cancelExternal({})],
  'a cancel of a workflow without id': [cancelExternal({ workflowExecution: { workflowId: '' } })],
  'a cancel of a workflow with an id too long': [cancelExternal({ workflowExecution: { workflowId: long } })],
  'a cancel of a run id that is none': [cancelExternal({ workflowExecution: { workflowId: 'target', runId: 'no' } })],
  'continue as new with an execution timeout below zero': [
    continueAsNew({ executionStartToCloseTimeout: seconds(-1) }),
  ],
  'continue as new with a task timeout below zero': [continueAsNew({ taskStartToCloseTimeout: seconds(-1) })],
  'continue as new with a backoff below zero': [continueAsNew({ backoffStartInterval: seconds(-1) })],
  'continue as new with a type too long': [continueAsNew({ workflowType: { name: long } })],
  'continue as new with a task list too long': [continueAsNew({ taskList: { name: long } })],
  'continue as new with a bad retry policy': [
    continueAsNew({ retryPolicy: { ...retryPolicy, backoffCoefficient: 0 } }),
  ],
  'continue as new with a bad cron schedule': [continueAsNew({ cronSchedule: 'never' })],
  'continue as new with an unknown search attribute': [
    continueAsNew({ searchAttributes: { indexedFields: { Colour: payload('"red"') } } }),
  ],
  'search attributes without any': [upsertSearchAttributes({})],
  'search attributes without fields': [upsert({})],
  'an unknown search attribute': [upsert({ Colour: '"red"' })],
  'a search attribute of the system': [upsert({ WorkflowType: '"red"' })],
  'a search attribute of another type': [upsert({ CustomIntField: '"red"' })],
  'a search attribute that is no json': [upsert({ CustomKeywordField: 'red' })],
  'a search attribute too large': [upsert({ CustomKeywordField: `"${'r'.repeat(3000)}"` })],
};

scenariosOf(
  'decision-validation',
  Object.fromEntries(
    Object.entries(refused).map(([behaviour, decisions]) => [behaviour, (p: Player) => showRefusal(p, decisions)]),
  ),
);

/** Children of scenarios that play side by side have ids of their own. */
function ofOwn(p: Player, decision: Decision['attributes']): Decision['attributes'] {
  if (decision?.$case !== 'startChildWorkflowExecutionDecisionAttributes') return decision;
  const { workflowId } = decision.value;
  return { ...decision, value: { ...decision.value, workflowId: workflowId === 'child' ? p.id('child') : workflowId } };
}

async function showRefusal(p: Player, decisions: Decisions): Promise<void> {
  const run = await p.start();
  const task = await p.pollDecision();
  await p.decide(
    task,
    decisions.map((decision) => ofOwn(p, decision)),
  );
  const events = (await p.eventsOf(run)).map(eventType);
  // What is asked of other workflows follows in its own time.
  if (events.some((type) => type.endsWith('Initiated'))) await p.sleep(1000);
  await p.history(run);
  await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
}

/** The server does not take the answer at all, or thinks about it for long: the history is left out. */
const notAnswered: Readonly<Record<string, Decisions>> = {
  'an activity of an unknown domain': [activity('a', { domain: 'diff-unknown' })],
  'an activity of an unknown domain with a long name': [activity('a', { domain: `diff-unknown-${'x'.repeat(5000)}` })],
  'a child of an unknown domain': [child({ domain: 'diff-unknown' })],
  'a signal to an unknown domain': [target({ domain: 'diff-unknown' })],
  'a cancel request to an unknown domain': [
    cancelExternal({ domain: 'diff-unknown', workflowExecution: { workflowId: 'target' } }),
  ],
  'continue as new with a backoff of the decider': [
    continueAsNew({ initiator: DECIDER, backoffStartInterval: seconds(1) }),
  ],
  'a decision of no kind': [undefined],
  'decisions after the one that closes': [completeWorkflow({ result: payload('first') }), timer('t', 5), activity('a')],
};

scenariosOf(
  'decision-validation',
  Object.fromEntries(
    Object.entries(notAnswered).map(([behaviour, decisions]) => [
      behaviour,
      async (p: Player) => {
        await p.start();
        await p.turn(decisions);
      },
    ]),
  ),
);

scenariosOf('decision-validation', {
  'continue as new with a backoff of nobody': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({ backoffStartInterval: seconds(1) })]);
    await p.history(run);
    await p.turn([completeWorkflow({})]);
    await p.history({ ...run, runId: '' }, 'history of the next run');
  },
  'a completed workflow with nothing': async (p) => {
    const run = await p.start();
    await p.turn([completeWorkflow({})]);
    await p.history(run);
  },
  'two decisions that close': async (p) => {
    const run = await p.start();
    await p.turn([completeWorkflow({ result: payload('first') }), completeWorkflow({ result: payload('second') })]);
    await p.history(run);
  },
});
