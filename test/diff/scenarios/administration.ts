// Asynchronous starts where there is no queue, runs that an administrator deletes, and diagnosis.
import { activity, payload } from '../messages.ts';
import { scenariosOf } from '../scenario.ts';

scenariosOf('async', {
  'start where there is no queue': async (p) => {
    await p.call.workflow.startWorkflowExecutionAsync({ request: p.startRequest() });
  },
  'start with faults': async (p) => {
    const { workflow } = p.call;
    await workflow.startWorkflowExecutionAsync({});
    await workflow.startWorkflowExecutionAsync({ request: p.startRequest({ domain: '' }) });
    await workflow.startWorkflowExecutionAsync({ request: p.startRequest({ domain: 'diff-unknown' }) });
    await workflow.startWorkflowExecutionAsync({ request: p.startRequest({ workflowId: '' }) });
    await workflow.startWorkflowExecutionAsync({ request: p.startRequest({ requestId: 'mine' }) });
  },
  'signal with start where there is no queue': async (p) => {
    await p.call.workflow.signalWithStartWorkflowExecutionAsync({
      request: { startRequest: p.startRequest(), signalName: 'go' },
    });
  },
  'signal with start with faults': async (p) => {
    const { workflow } = p.call;
    await workflow.signalWithStartWorkflowExecutionAsync({
      request: { startRequest: p.startRequest({ domain: '' }), signalName: 'go' },
    });
    await workflow.signalWithStartWorkflowExecutionAsync({
      request: { startRequest: p.startRequest(), signalName: '' },
    });
  },
});

scenariosOf('admin-delete', {
  'deletes a run': async (p) => {
    const run = await p.start();
    await p.turn([activity('a', { input: payload('i') })]);
    const { error } = await p.quiet.admin.deleteWorkflow({ domain: p.domain, workflowExecution: run });
    p.note('error', error);
    await p.call.workflow.describeWorkflowExecution({ domain: p.domain, workflowExecution: run });
  },
});

scenariosOf('diagnose', {
  'with faults': async (p) => {
    const { workflow } = p.call;
    await workflow.diagnoseWorkflowExecution({ domain: '' });
    await workflow.diagnoseWorkflowExecution({ domain: p.domain });
    await workflow.diagnoseWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await workflow.diagnoseWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: 'w' } });
    await workflow.diagnoseWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: 'w', runId: 'no' } });
  },
  'a run': async (p) => {
    const run = await p.start();
    await p.call.workflow.diagnoseWorkflowExecution({ domain: p.domain, workflowExecution: run, identity: 'client' });
  },
});
