// Signals: their checks, their order around a decision in flight, their duplicates, and signals to runs that are over.
import type { SignalWorkflowExecutionRequest } from '@antiphon/proto';
import { activity, complete, continueAsNew, payload, timer } from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';

const long = 'x'.repeat(1001);

const request = (p: Player, run: RunRef): Loose<SignalWorkflowExecutionRequest> => ({
  domain: p.domain,
  workflowExecution: run,
  signalName: 'go',
  signalInput: payload('now'),
  identity: 'client',
  requestId: p.uuid('signal'),
});

const faults: Readonly<Record<string, Loose<SignalWorkflowExecutionRequest>>> = {
  'without a domain': { domain: '' },
  'to an unknown domain': { domain: 'diff-unknown' },
  'without an execution': { workflowExecution: undefined },
  'without a workflow id': { workflowExecution: { workflowId: '' } },
  'with a workflow id too long': { workflowExecution: { workflowId: long } },
  'with a run id that is none': { workflowExecution: { workflowId: 'w', runId: 'no' } },
  'to an unknown workflow': { workflowExecution: { workflowId: 'no-such-workflow' } },
  'without a name': { signalName: '' },
  'with a name too long': { signalName: long },
  'with a request id too long': { requestId: long },
  'with a request id that is no uuid': { requestId: 'mine' },
  'without a request id': { requestId: '' },
  'with an identity too long': { identity: long },
  'with an input too large': { signalInput: { data: new Uint8Array(2 * 1024 * 1024 + 1) } },
  'with control': { control: Buffer.from('c') },
};

scenariosOf(
  'signal',
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, fault]) => [
      behaviour,
      async (p) => {
        const run = await p.start();
        await p.call.workflow.signalWorkflowExecution({ ...request(p, run), ...fault });
        await p.history(run);
      },
    ]),
  ),
);

scenariosOf('signal', {
  'before the first decision': async (p) => {
    const run = await p.start();
    await p.signal(run, 'a', '1');
    await p.signal(run, 'b', '2');
    await p.turn([]);
    await p.history(run);
  },
  'while a decision runs waits for its end': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await p.signal(run, 'b');
    await p.history(run, 'while it runs');
    await p.decide(task, [timer('t', 30)]);
    await p.history(run);
    await p.turn([]);
  },
  'while a decision runs forbids a close': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await p.decide(task, [complete()]);
    await p.history(run);
    await p.turn([complete()]);
    await p.history(run, 'in the end');
  },
  'while a decision runs forbids a new run': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await p.decide(task, [continueAsNew({})]);
    await p.history(run);
  },
  'while a decision runs that fails': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.signal(run, 'a');
    await p.call.worker.respondDecisionTaskFailed({ taskToken: task.taskToken, identity: 'worker', cause: 14 });
    await p.history(run);
    await p.turn([complete()]);
    await p.history(run, 'in the end');
  },
  'and an activity that closes while a decision runs': async (p) => {
    const run = await p.start();
    await p.turn([activity('a'), timer('t', 3)]);
    await p.signal(run, 'wake');
    const task = await p.pollDecision();
    const work = await p.pollActivity();
    await p.call.worker.respondActivityTaskCompleted({ taskToken: work.taskToken, result: payload('r') });
    await p.signal(run, 'after the activity');
    await p.sleep(4500);
    await p.signal(run, 'after the timer');
    await p.decide(task, []);
    await p.history(run);
  },
  'twice with one request id': async (p) => {
    const run = await p.start();
    const twice = request(p, run);
    await p.call.workflow.signalWorkflowExecution(twice);
    await p.call.workflow.signalWorkflowExecution(twice);
    await p.history(run);
  },
  'twice with one request id, the second after the close': async (p) => {
    const run = await p.start();
    const twice = request(p, run);
    await p.call.workflow.signalWorkflowExecution(twice);
    await p.turn([complete()]);
    await p.call.workflow.signalWorkflowExecution(twice);
    await p.call.workflow.signalWorkflowExecution({ ...twice, requestId: p.uuid('other') });
    await p.history(run);
  },
  'to a closed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await p.call.workflow.signalWorkflowExecution(request(p, run));
    await p.call.workflow.signalWorkflowExecution(request(p, { ...run, runId: '' }));
  },
  'to a closed run, by a client that does not know the error': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await p.call.workflow.signalWorkflowExecution(request(p, run), { headers: { 'cadence-client-feature-flags': '' } });
  },
  'to an unknown run of a known workflow': async (p) => {
    const run = await p.start();
    await p.call.workflow.signalWorkflowExecution(request(p, { ...run, runId: p.uuid('other run') }));
  },
  'to the run before the current one': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    await p.call.workflow.signalWorkflowExecution(request(p, run));
    await p.call.workflow.signalWorkflowExecution(request(p, { ...run, runId: '' }));
    await p.history({ ...run, runId: '' });
  },
});
