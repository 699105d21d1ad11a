// Cancel and terminate: from outside, twice, with the first run's id, and what the workflow makes of it.
import type { RequestCancelWorkflowExecutionRequest, TerminateWorkflowExecutionRequest } from '@antiphon/proto';
import {
  activity,
  cancelWorkflow,
  complete,
  continueAsNew,
  failure,
  failWorkflow,
  payload,
  seconds,
} from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';

const long = 'x'.repeat(1001);
type Cancel = Loose<RequestCancelWorkflowExecutionRequest>;
type Terminate = Loose<TerminateWorkflowExecutionRequest>;

const cancel = (p: Player, run: RunRef, more: Cancel = {}) =>
  p.call.workflow.requestCancelWorkflowExecution({
    domain: p.domain,
    workflowExecution: run,
    identity: 'client',
    requestId: p.uuid('cancel'),
    cause: 'no need',
    ...more,
  });
const terminate = (p: Player, run: RunRef, more: Terminate = {}) =>
  p.call.workflow.terminateWorkflowExecution({
    domain: p.domain,
    workflowExecution: run,
    reason: 'enough',
    details: payload('why'),
    identity: 'client',
    ...more,
  });

const executionFaults = {
  'without a domain': { domain: '' },
  'of an unknown domain': { domain: 'diff-unknown' },
  'without an execution': { workflowExecution: undefined },
  'without a workflow id': { workflowExecution: { workflowId: '' } },
  'with a run id that is none': { workflowExecution: { workflowId: 'w', runId: 'no' } },
  'of an unknown workflow': { workflowExecution: { workflowId: 'no-such-workflow' } },
} as const;
const cancelFaults: Readonly<Record<string, Cancel>> = {
  ...executionFaults,
  'with an identity too long': { identity: long },
  'with a request id too long': { requestId: long },
  'with a request id that is no uuid': { requestId: 'mine' },
  'without a request id': { requestId: '' },
  'with a cause too long': { cause: long },
  'without a cause': { cause: '' },
};
const terminateFaults: Readonly<Record<string, Terminate>> = {
  ...executionFaults,
  'with an identity too long': { identity: long },
  'without a reason': { reason: '', details: undefined, identity: '' },
};

const table = <F>(faults: Readonly<Record<string, F>>, play: (p: Player, run: RunRef, fault: F) => Promise<unknown>) =>
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, fault]) => [
      behaviour,
      async (p: Player) => {
        const run = await p.start();
        await play(p, run, fault);
        await p.history(run);
      },
    ]),
  );

scenariosOf('cancel', table(cancelFaults, cancel));
scenariosOf('terminate', table(terminateFaults, terminate));

scenariosOf('cancel', {
  'before the first decision': async (p) => {
    const run = await p.start();
    await cancel(p, run);
    await p.turn([cancelWorkflow({ details: payload('bye') })]);
    await p.history(run);
    await p.describe(run);
  },
  'twice with one request id': async (p) => {
    const run = await p.start();
    const requestId = p.uuid('cancel');
    await cancel(p, run, { requestId });
    await cancel(p, run, { requestId });
    await p.history(run);
  },
  'twice with two request ids': async (p) => {
    const run = await p.start();
    await cancel(p, run);
    await cancel(p, run, { requestId: p.uuid('other') });
    await p.history(run);
  },
  'of a canceled run': async (p) => {
    const run = await p.start();
    const requestId = p.uuid('cancel');
    await cancel(p, run, { requestId });
    await p.turn([cancelWorkflow({})]);
    await cancel(p, run, { requestId });
    await cancel(p, run, { requestId: p.uuid('other') });
  },
  'of a completed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await cancel(p, run);
  },
  'while a decision runs': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await cancel(p, run);
    await p.decide(task, [complete()]);
    await p.history(run);
  },
  'then complete': async (p) => {
    const run = await p.start();
    await cancel(p, run);
    await p.turn([complete()]);
    await p.history(run);
  },
  'then fail becomes canceled': async (p) => {
    const run = await p.start();
    await cancel(p, run);
    await p.turn([failWorkflow({ failure: failure('bad', 'details') })]);
    await p.history(run);
  },
  'then continue as new becomes canceled': async (p) => {
    const run = await p.start();
    await cancel(p, run);
    await p.turn([continueAsNew({})]);
    await p.history(run);
  },
  'during the delay of a start': async (p) => {
    const run = await p.start({ delayStart: seconds(30) });
    await cancel(p, run);
    await p.history(run);
  },
  'by the first run of a chain': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    await cancel(p, { ...run, runId: '' }, { firstExecutionRunId: p.uuid('another') });
    await cancel(p, { ...run, runId: '' }, { firstExecutionRunId: run.runId });
    await p.history({ ...run, runId: '' });
  },
});

scenariosOf('terminate', {
  'a run': async (p) => {
    const run = await p.start();
    await terminate(p, run);
    await p.history(run);
    await p.describe(run);
  },
  'a run while a decision runs and signals wait': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'late');
    await terminate(p, run);
    await p.history(run);
    await p.decide(task, [complete()]);
  },
  'a run with activities and timers': async (p) => {
    const run = await p.start();
    await p.turn([activity('a')]);
    const work = await p.pollActivity();
    await terminate(p, run);
    await p.call.worker.respondActivityTaskCompleted({ taskToken: work.taskToken });
    await p.call.worker.recordActivityTaskHeartbeat({ taskToken: work.taskToken });
    await p.history(run);
    await p.describe(run);
  },
  'a closed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await terminate(p, run);
  },
  'a closed run, by a client that does not know the error': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await p.call.workflow.terminateWorkflowExecution(
      { domain: p.domain, workflowExecution: run },
      { headers: { 'cadence-client-feature-flags': '' } },
    );
  },
  'by the first run of a chain': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    await terminate(p, run, { firstExecutionRunId: p.uuid('another') });
    await terminate(p, run, { firstExecutionRunId: run.runId });
    await p.history({ ...run, runId: '' });
  },
});
