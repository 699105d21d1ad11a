// Signals and cancels that one workflow sends to another, and how they fail.
import { cancelExternal, complete, payload, signalExternal } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const target = async (p: Player) => p.start({ workflowId: p.id('target'), taskList: { name: p.id('target-tl') } });
const signal = (p: Player, more: Parameters<typeof signalExternal>[0] = {}) =>
  signalExternal({
    workflowExecution: { workflowId: p.id('target') },
    signalName: 'go',
    input: payload('now'),
    control: Buffer.from('c'),
    ...more,
  });
const cancel = (p: Player, more: Parameters<typeof cancelExternal>[0] = {}) =>
  cancelExternal({ workflowExecution: { workflowId: p.id('target') }, control: Buffer.from('c'), ...more });

scenariosOf('external', {
  'signal to a running workflow': async (p) => {
    const other = await target(p);
    const run = await p.start();
    await p.turn([signal(p)]);
    await p.awaitEvent(run, 'ExternalWorkflowExecutionSignaled');
    await p.history(run);
    await p.history(other, 'history of the target');
  },
  'signal to a run': async (p) => {
    const other = await target(p);
    const run = await p.start();
    await p.turn([signal(p, { workflowExecution: other, domain: p.domain })]);
    await p.awaitEvent(run, 'ExternalWorkflowExecutionSignaled');
    await p.history(run);
    await p.history(other, 'history of the target');
  },
  'signal to an unknown workflow': async (p) => {
    const run = await p.start();
    await p.turn([signal(p)]);
    await p.awaitEvent(run, 'SignalExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'signal to a closed workflow': async (p) => {
    await target(p);
    await p.turn([complete()], { taskList: p.id('target-tl') });
    const run = await p.start();
    await p.turn([signal(p)]);
    await p.awaitEvent(run, 'SignalExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'signal to itself': async (p) => {
    const run = await p.start();
    await p.turn([signal(p, { workflowExecution: { workflowId: run.workflowId } })]);
    await p.awaitEvent(run, 'SignalExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'signal to one that is no child of its': async (p) => {
    await target(p);
    const run = await p.start();
    await p.turn([signal(p, { childWorkflowOnly: true })]);
    await p.awaitEvent(run, 'SignalExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'signal, then close': async (p) => {
    const other = await target(p);
    const run = await p.start();
    await p.turn([signal(p), complete()]);
    await p.sleep(1500);
    await p.history(run);
    await p.history(other, 'history of the target');
  },
  'cancel of a running workflow': async (p) => {
    const other = await target(p);
    const run = await p.start();
    await p.turn([cancel(p)]);
    await p.awaitEvent(run, 'ExternalWorkflowExecutionCancelRequested');
    await p.history(run);
    await p.history(other, 'history of the target');
  },
  'cancel of an unknown workflow': async (p) => {
    const run = await p.start();
    await p.turn([cancel(p)]);
    await p.awaitEvent(run, 'RequestCancelExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'cancel of a closed workflow': async (p) => {
    await target(p);
    await p.turn([complete()], { taskList: p.id('target-tl') });
    const run = await p.start();
    await p.turn([cancel(p)]);
    await p.awaitEvent(run, 'RequestCancelExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'cancel of one that was asked to cancel': async (p) => {
    const other = await target(p);
    await p.call.workflow.requestCancelWorkflowExecution({
      domain: p.domain,
      workflowExecution: other,
      requestId: p.uuid('cancel'),
      identity: 'client',
    });
    const run = await p.start();
    await p.turn([cancel(p)]);
    await p.awaitEvent(run, 'ExternalWorkflowExecutionCancelRequested');
    await p.history(run);
    await p.history(other, 'history of the target');
  },
  'cancel of itself': async (p) => {
    const run = await p.start();
    await p.turn([cancel(p, { workflowExecution: { workflowId: run.workflowId } })]);
    await p.awaitEvent(run, 'RequestCancelExternalWorkflowExecutionFailed');
    await p.history(run);
  },
  'cancel of one that is no child of its': async (p) => {
    await target(p);
    const run = await p.start();
    await p.turn([cancel(p, { childWorkflowOnly: true })]);
    await p.awaitEvent(run, 'RequestCancelExternalWorkflowExecutionFailed');
    await p.history(run);
  },
});
