// Starting a workflow id that was used before: each policy against each way the last run may stand. And starts that are repeated.
import { WorkflowIdReusePolicy } from '@antiphon/proto';
import { cancelWorkflow, complete, continueAsNew, failure, failWorkflow, seconds } from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const policies = {
  'no policy': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_INVALID,
  'allow duplicate failed only': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  'allow duplicate': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  'reject duplicate': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
  'terminate if running': WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
} as const;

const terminate = async (p: Player, run: RunRef): Promise<void> => {
  await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run, reason: 'enough' });
};

/** Brings the first run where it should stand. */
export const standings: Readonly<Record<string, (p: Player) => Promise<RunRef>>> = {
  running: (p) => p.start(),
  completed: async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    return run;
  },
  failed: async (p) => {
    const run = await p.start();
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    return run;
  },
  canceled: async (p) => {
    const run = await p.start();
    await p.turn([cancelWorkflow({ details: { data: Buffer.from('told to') } })]);
    return run;
  },
  terminated: async (p) => {
    const run = await p.start();
    await terminate(p, run);
    return run;
  },
  'timed out': async (p) => {
    const run = await p.start({ executionStartToCloseTimeout: seconds(1), taskStartToCloseTimeout: seconds(1) });
    await p.awaitEvent(run, 'WorkflowExecutionTimedOut');
    return run;
  },
  'continued as new': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    return run;
  },
};

for (const [policyName, workflowIdReusePolicy] of Object.entries(policies)) {
  scenariosOf(
    'id-reuse',
    Object.fromEntries(
      Object.entries(standings).map(([standing, bring]) => [
        `${policyName}, ${standing}`,
        async (p) => {
          const first = await bring(p);
          await p.call.workflow.startWorkflowExecution(p.startRequest({ workflowIdReusePolicy, identity: 'second' }));
          await p.history(first, 'history of the first run');
          await p.history({ workflowId: first.workflowId, runId: '' }, 'history of the current run');
        },
      ]),
    ),
  );
}

scenariosOf('id-reuse', {
  'the same request again, running': async (p) => {
    const requestId = p.uuid('request');
    const run = await p.start({ requestId });
    await p.call.workflow.startWorkflowExecution(p.startRequest({ requestId }));
    await p.history(run);
  },
  'the same request again, completed': async (p) => {
    const requestId = p.uuid('request');
    const run = await p.start({ requestId });
    await p.turn([complete()]);
    await p.call.workflow.startWorkflowExecution(p.startRequest({ requestId }));
    await p.history({ workflowId: run.workflowId, runId: '' });
  },
  'the same request again, after another run': async (p) => {
    const requestId = p.uuid('request');
    const run = await p.start({ requestId });
    await terminate(p, run);
    const second = await p.start();
    await p.call.workflow.startWorkflowExecution(p.startRequest({ requestId }));
    await terminate(p, second);
    await p.call.workflow.startWorkflowExecution(p.startRequest({ requestId }));
  },
  'a second run names the first as its first': async (p) => {
    const first = await p.start();
    await p.turn([continueAsNew({})]);
    const second = (await p.awaitEvent({ ...first, runId: '' }, 'DecisionTaskScheduled')) !== undefined;
    p.note('has a second run', second);
    await p.turn([complete()]);
    await p.history({ ...first, runId: '' }, 'second run');
  },
});
