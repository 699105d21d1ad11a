// Children: how they start and end, what their parent sees, and what becomes of them when the parent ends: policy by way of ending.
import { ParentClosePolicy } from '@antiphon/proto';
import {
  cancelExternal,
  cancelWorkflow,
  complete,
  continueAsNew,
  failure,
  failWorkflow,
  payload,
  seconds,
  signalExternal,
  startChild,
  timer,
} from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

type ChildFields = NonNullable<Parameters<typeof startChild>[0]>;

const child = (p: Player, more: ChildFields = {}) =>
  startChild({
    workflowId: p.id('child'),
    workflowType: { name: 'Child' },
    taskList: { name: p.id('child-tl') },
    input: payload('for the child'),
    executionStartToCloseTimeout: seconds(60),
    taskStartToCloseTimeout: seconds(10),
    control: Buffer.from('control'),
    ...more,
  });

/** A parent whose child has started and whose own decision about that is done. */
async function family(p: Player, more: ChildFields = {}): Promise<{ parent: RunRef; kid: RunRef }> {
  const parent = await p.start();
  await p.turn([child(p, more)]);
  const started = await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
  const attributes = started.attributes;
  const runId =
    attributes?.$case === 'childWorkflowExecutionStartedEventAttributes'
      ? (attributes.value.workflowExecution?.runId ?? '')
      : '';
  p.name(runId, 'child run');
  return { parent, kid: { workflowId: p.id('child'), runId } };
}

const childPoll = (p: Player) => ({ taskList: p.id('child-tl') });

const ends: Readonly<Record<string, { event: string; end: (p: Player, kid: RunRef) => Promise<void> }>> = {
  completes: {
    event: 'ChildWorkflowExecutionCompleted',
    end: async (p) => void (await p.turn([complete('kid')], childPoll(p))),
  },
  fails: {
    event: 'ChildWorkflowExecutionFailed',
    end: async (p) => void (await p.turn([failWorkflow({ failure: failure('bad', 'd') })], childPoll(p))),
  },
  'is canceled': {
    event: 'ChildWorkflowExecutionCanceled',
    end: async (p) => void (await p.turn([cancelWorkflow({ details: payload('d') })], childPoll(p))),
  },
  'is terminated': {
    event: 'ChildWorkflowExecutionTerminated',
    end: async (p, kid) =>
      void (await p.call.workflow.terminateWorkflowExecution({
        domain: p.domain,
        workflowExecution: kid,
        reason: 'enough',
      })),
  },
  'continues as new, then completes': {
    event: 'ChildWorkflowExecutionCompleted',
    end: async (p) => {
      await p.turn([continueAsNew({ input: payload('again') })], childPoll(p));
      await p.turn([complete('second')], childPoll(p));
    },
  },
};

scenariosOf(
  'child',
  Object.fromEntries(
    Object.entries(ends).map(([behaviour, { event, end }]) => [
      behaviour,
      async (p) => {
        const { parent, kid } = await family(p);
        await p.describe(parent);
        await end(p, kid);
        await p.awaitEvent(parent, event);
        await p.history(parent, 'history of the parent');
        await p.history(kid, 'history of the child');
      },
    ]),
  ),
);

scenariosOf('child', {
  'times out': async (p) => {
    const { parent, kid } = await family(p, { executionStartToCloseTimeout: seconds(1) });
    await p.awaitEvent(parent, 'ChildWorkflowExecutionTimedOut');
    await p.history(parent, 'history of the parent');
    await p.history(kid, 'history of the child');
  },
  'takes over what it does not say': async (p) => {
    const parent = await p.start();
    await p.turn([startChild({ workflowId: p.id('child'), workflowType: { name: 'Child' } })]);
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
    await p.history(parent, 'history of the parent');
    await p.history({ workflowId: p.id('child'), runId: '' }, 'history of the child');
  },
  'says everything': async (p) => {
    const parent = await p.start();
    await p.turn([
      child(p, {
        parentClosePolicy: ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON,
        workflowIdReusePolicy: 2,
        retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 2, maximumAttempts: 3 },
        header: { fields: { h: payload('v') } },
        memo: { fields: { m: payload('v') } },
        searchAttributes: { indexedFields: { CustomKeywordField: payload('"x"') } },
        domain: p.domain,
      }),
    ]);
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
    await p.history(parent, 'history of the parent');
    await p.history({ workflowId: p.id('child'), runId: '' }, 'history of the child');
    await p.describe(parent, 'describe the parent');
    await p.describe({ workflowId: p.id('child'), runId: '' }, 'describe the child');
  },
  'has eleven siblings, and all end with their parent': async (p) => {
    const parent = await p.start();
    const ids = Array.from({ length: 12 }, (_, index) => p.id(`child-${index}`));
    await p.turn(ids.map((workflowId) => child(p, { workflowId, parentClosePolicy: 3 })));
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted', 12);
    await p.turn([complete()]);
    for (const workflowId of ids) await p.awaitEvent({ workflowId, runId: '' }, 'WorkflowExecutionTerminated');
    await p.history({ workflowId: ids[11] as string, runId: '' }, 'history of the last child');
  },
  'is signaled and canceled after it closed': async (p) => {
    const { parent, kid } = await family(p);
    await p.turn([complete()], childPoll(p));
    await p.awaitEvent(parent, 'ChildWorkflowExecutionCompleted');
    await p.turn([
      signalExternal({
        workflowExecution: { workflowId: kid.workflowId },
        signalName: 'late',
        childWorkflowOnly: true,
      }),
      cancelExternal({ workflowExecution: { workflowId: kid.workflowId }, childWorkflowOnly: true }),
    ]);
    await p.awaitEvent(parent, 'SignalExternalWorkflowExecutionFailed');
    await p.awaitEvent(parent, 'RequestCancelExternalWorkflowExecutionFailed');
    p.note('kinds', [...new Set((await p.eventsOf(parent)).map(({ attributes }) => attributes?.$case))].sort());
  },
  'fails and is retried by its own policy': async (p) => {
    const { parent, kid } = await family(p, {
      retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 1, maximumAttempts: 2 },
    });
    await p.turn([failWorkflow({ failure: failure('bad', '1') })], childPoll(p));
    await p.turn([failWorkflow({ failure: failure('bad', '2') })], childPoll(p));
    await p.awaitEvent(parent, 'ChildWorkflowExecutionFailed');
    await p.history(parent, 'history of the parent');
    await p.history(kid, 'history of the first run of the child');
  },
  'has a cron schedule': async (p) => {
    const parent = await p.start();
    await p.turn([child(p, { cronSchedule: '@every 100h' })]);
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
    await p.history(parent, 'history of the parent');
  },
  'cannot start where its id runs': async (p) => {
    await p.start({ workflowId: p.id('child'), taskList: { name: p.id('child-tl') } });
    const parent = await p.start();
    await p.turn([child(p)]);
    await p.awaitEvent(parent, 'StartChildWorkflowExecutionFailed');
    await p.history(parent);
  },
  'cannot start where its id is used up': async (p) => {
    await p.start({ workflowId: p.id('child'), taskList: { name: p.id('child-tl') } });
    await p.turn([complete()], childPoll(p));
    const parent = await p.start();
    await p.turn([child(p, { workflowIdReusePolicy: 3 })]);
    await p.awaitEvent(parent, 'StartChildWorkflowExecutionFailed');
    await p.history(parent);
  },
  'terminates what runs under its id': async (p) => {
    const first = await p.start({ workflowId: p.id('child'), taskList: { name: p.id('child-tl') } });
    const parent = await p.start();
    await p.turn([child(p, { workflowIdReusePolicy: 4 })]);
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
    await p.history(first, 'history of the one that ran');
    await p.history(parent, 'history of the parent');
  },
  'has the id of its parent': async (p) => {
    const parent = await p.start();
    await p.turn([child(p, { workflowId: parent.workflowId })]);
    await p.awaitEvent(parent, 'StartChildWorkflowExecutionFailed');
    await p.history(parent);
  },
  'is started twice in one decision': async (p) => {
    const parent = await p.start();
    await p.turn([child(p), child(p)]);
    await p.awaitEvent(parent, 'StartChildWorkflowExecutionFailed');
    await p.awaitEvent(parent, 'ChildWorkflowExecutionStarted');
    p.note('kinds', [...new Set((await p.eventsOf(parent)).map(({ attributes }) => attributes?.$case))].sort());
  },
  'ends while a decision of its parent runs': async (p) => {
    const { parent } = await family(p);
    const task = await p.pollDecision();
    await p.turn([complete('kid')], childPoll(p));
    await p.signal(parent, 'a');
    await p.sleep(1000);
    await p.decide(task, [timer('t', 50)]);
    await p.history(parent);
  },
  'starts and its parent has closed': async (p) => {
    const parent = await p.start();
    await p.turn([child(p, { parentClosePolicy: 1 }), complete()]);
    await p.history(parent);
    await p.sleep(1500);
    await p.call.workflow.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: { workflowId: p.id('child') },
    });
  },
  'is signaled by its parent': async (p) => {
    const { parent, kid } = await family(p);
    await p.turn([
      signalExternal({
        workflowExecution: { workflowId: kid.workflowId },
        signalName: 'from the parent',
        input: payload('i'),
        childWorkflowOnly: true,
        control: Buffer.from('c'),
      }),
    ]);
    await p.awaitEvent(parent, 'ExternalWorkflowExecutionSignaled');
    await p.history(parent, 'history of the parent');
    await p.history(kid, 'history of the child');
  },
  'is canceled by its parent': async (p) => {
    const { parent, kid } = await family(p);
    await p.turn([cancelExternal({ workflowExecution: { workflowId: kid.workflowId }, childWorkflowOnly: true })]);
    await p.awaitEvent(parent, 'ExternalWorkflowExecutionCancelRequested');
    await p.turn([cancelWorkflow({})], childPoll(p));
    await p.awaitEvent(parent, 'ChildWorkflowExecutionCanceled');
    await p.history(parent, 'history of the parent');
    await p.history(kid, 'history of the child');
  },
});

const policies = {
  'no policy': 0,
  abandon: ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON,
  'request cancel': ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
  terminate: ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
} as const;

const parentEnds: Readonly<Record<string, (p: Player, parent: RunRef) => Promise<unknown>>> = {
  completes: (p) => p.turn([complete()]),
  fails: (p) => p.turn([failWorkflow({ failure: failure('bad') })]),
  'is canceled': (p) => p.turn([cancelWorkflow({})]),
  'continues as new': (p) => p.turn([continueAsNew({})]),
  'is terminated': (p, parent) =>
    p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: parent, reason: 'enough' }),
};

for (const [policy, parentClosePolicy] of Object.entries(policies)) {
  scenariosOf(
    'parent-close',
    Object.fromEntries(
      Object.entries(parentEnds).map(([way, end]) => [
        `${policy}, the parent ${way}`,
        async (p) => {
          const { parent, kid } = await family(p, { parentClosePolicy });
          await p.turn([], childPoll(p));
          await end(p, parent);
          const effect = { terminate: 'WorkflowExecutionTerminated', 'no policy': 'WorkflowExecutionTerminated' }[
            policy
          ];
          if (policy === 'request cancel') await p.awaitEvent(kid, 'WorkflowExecutionCancelRequested');
          else if (effect !== undefined) await p.awaitEvent(kid, effect);
          else await p.sleep(1500);
          await p.history(parent, 'history of the parent');
          await p.history(kid, 'history of the child');
        },
      ]),
    ),
  );
}
