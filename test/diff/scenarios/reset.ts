// Reset: to each kind of event, with what came after it, refused where it cannot be, and by itself when a binary is bad.

import type { ResetWorkflowExecutionRequest } from '@antiphon/proto';
import {
  activity,
  complete,
  continueAsNew,
  failure,
  failWorkflow,
  payload,
  seconds,
  startChild,
  timer,
} from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';

type Reset = Loose<ResetWorkflowExecutionRequest>;

async function reset(p: Player, run: RunRef, eventId: number, more: Reset = {}): Promise<RunRef> {
  const outcome = await p.quiet.workflow.resetWorkflowExecution({
    domain: p.domain,
    workflowExecution: run,
    reason: 'try again',
    decisionFinishEventId: BigInt(eventId),
    requestId: p.uuid('reset'),
    ...more,
  });
  if (outcome.answer !== undefined) p.name(outcome.answer.runId, 'reset run');
  p.show('ResetWorkflowExecution', outcome);
  return { workflowId: run.workflowId, runId: outcome.answer?.runId ?? '' };
}

/** Started, scheduled, started, completed (4), an activity (5) and a timer (6); the activity is done (7, 8), a decision waits (9). */
async function halfway(p: Player): Promise<RunRef> {
  const run = await p.start({ input: payload('i'), memo: { fields: { m: payload('v') } } });
  await p.turn([activity('a'), timer('t', 50)]);
  const { taskToken } = await p.pollActivity();
  await p.call.worker.respondActivityTaskCompleted({ taskToken, result: payload('r') });
  return run;
}

const eventIds: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  'a scheduled decision': 2,
  'a started decision': 3,
  'a completed decision': 4,
  'an activity': 5,
  'the end': 10,
  'beyond the end': 11,
  'far beyond': 100,
  'below zero': -1,
};

scenariosOf(
  'reset-to',
  Object.fromEntries(
    Object.entries(eventIds).map(([what, eventId]) => [
      what,
      async (p) => {
        const run = await halfway(p);
        await p.pollDecision();
        const again = await reset(p, run, eventId);
        await p.history(run, 'history of the base');
        if (again.runId === '') return;
        await p.history(again, 'history of the reset run');
        await p.describe(again);
      },
    ]),
  ),
);

const faults: Readonly<Record<string, Reset>> = {
  'without a domain': { domain: '' },
  'without an execution': { workflowExecution: undefined },
  'without a workflow id': { workflowExecution: { workflowId: '' } },
  'of a run id that is none': { workflowExecution: { workflowId: 'w', runId: 'no' } },
  'of an unknown workflow': { workflowExecution: { workflowId: 'no-such-workflow' } },
  'without a request id': { requestId: '' },
  'with a request id that is no uuid': { requestId: 'mine' },
  'without a reason': { reason: '' },
};

scenariosOf(
  'reset',
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, fault]) => [
      behaviour,
      async (p) => {
        const run = await p.start();
        await p.turn([timer('t', 50)]);
        const again = await reset(p, run, 4, fault);
        if (again.runId !== '') await p.history(again);
      },
    ]),
  ),
);

scenariosOf('reset', {
  'of a run without a decision': async (p) => {
    const run = await p.start({ delayStart: seconds(50) });
    await reset(p, run, 2);
  },
  'of a completed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    const again = await reset(p, run, 4);
    await p.turn([complete('again')]);
    await p.history(run, 'history of the base');
    await p.history(again);
    await p.describe(again);
  },
  'of a failed run to a failed decision': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.call.worker.respondDecisionTaskFailed({ taskToken: task.taskToken, cause: 14, identity: 'worker' });
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    const again = await reset(p, run, 4);
    await p.history(run, 'history of the base');
    await p.history(again);
  },
  'of a run whose decision timed out': async (p) => {
    const run = await p.start({ taskStartToCloseTimeout: seconds(1) });
    await p.pollDecision();
    await p.awaitEvent(run, 'DecisionTaskTimedOut');
    const again = await reset(p, run, 4);
    await p.history(run, 'history of the base');
    await p.history(again);
  },
  'keeps signals that came after': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    await p.signal(run, 'a', '1');
    await p.turn([]);
    await p.signal(run, 'b', '2');
    const again = await reset(p, run, 4);
    await p.history(again);
    await p.turn([complete()]);
  },
  'drops signals when told to': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    await p.signal(run, 'a', '1');
    const again = await reset(p, run, 4, { skipSignalReapply: true });
    await p.history(again);
  },
  'keeps signals of later runs': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    await p.signal(run, 'a', '1');
    await p.turn([continueAsNew({})]);
    await p.signal({ ...run, runId: '' }, 'b', '2');
    const again = await reset(p, run, 4);
    await p.history(again);
  },
  'with an activity that runs': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    const { taskToken } = await p.pollActivity();
    await p.signal(run, 'go');
    await p.turn([timer('t', 50)]);
    const again = await reset(p, run, 10);
    await p.history(again);
    await p.describe(again);
    await p.call.worker.respondActivityTaskCompleted({ taskToken });
  },
  'with an activity that waits': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    await p.signal(run, 'go');
    await p.turn([timer('t', 50)]);
    const again = await reset(p, run, 9);
    await p.history(again);
    await p.describe(again);
    await p.pollActivity();
  },
  'with a timer that fires in the new run': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 2)]);
    await p.signal(run, 'go');
    await p.turn([activity('a')]);
    const again = await reset(p, run, 9);
    await p.awaitEvent(again, 'TimerFired');
    await p.history(again);
  },
  'with a child pending': async (p) => {
    const run = await p.start();
    await p.turn([
      startChild({ workflowId: p.id('child'), workflowType: { name: 'Child' }, taskList: { name: p.id('c') } }),
    ]);
    await p.awaitEvent(run, 'ChildWorkflowExecutionStarted');
    await p.turn([timer('t', 50)]);
    await reset(p, run, 9);
  },
  'before a child': async (p) => {
    const run = await p.start();
    await p.turn([
      startChild({ workflowId: p.id('child'), workflowType: { name: 'Child' }, taskList: { name: p.id('c') } }),
    ]);
    await p.awaitEvent(run, 'ChildWorkflowExecutionStarted');
    const again = await reset(p, run, 4);
    await p.history(run, 'history of the base');
    await p.history(again);
  },
  'twice with one request id': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    const requestId = p.uuid('one');
    await reset(p, run, 4, { requestId });
    await reset(p, run, 4, { requestId });
  },
  'of a run that was reset': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    await reset(p, run, 4);
    const again = await reset(p, run, 4, { requestId: p.uuid('other') });
    await p.history(again);
    await p.history(run, 'history of the base');
  },
  'of the reset run': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 50)]);
    const again = await reset(p, run, 4);
    await p.turn([timer('u', 50)]);
    const third = await reset(p, again, 7);
    await p.history(third);
  },
  'of the run before the current one': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    await reset(p, run, 4);
    await p.history({ ...run, runId: '' }, 'history of the current run');
  },
  'points of binaries': async (p) => {
    const run = await p.start();
    const first = await p.pollDecision({ binaryChecksum: 'one' });
    await p.decide(first, [timer('t', 50)], { binaryChecksum: 'one' });
    await p.signal(run, 'a');
    const second = await p.pollDecision({ binaryChecksum: 'two' });
    await p.decide(second, [timer('u', 50)], { binaryChecksum: 'two' });
    await p.signal(run, 'b');
    const third = await p.pollDecision({ binaryChecksum: 'one' });
    await p.decide(third, [continueAsNew({})], { binaryChecksum: 'one' });
    await p.describe(run);
    await p.describe({ ...run, runId: '' }, 'describe the next run');
    await p.history({ ...run, runId: '' }, 'history of the next run');
  },
});
