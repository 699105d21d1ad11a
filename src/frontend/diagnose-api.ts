// DiagnoseWorkflowExecution: starts the diagnosis of a run as a workflow of the service, or names the one that is at work already. Its result
// is read as any workflow's, in the domain `cadence-system`.
// Cadence: service/frontend/api/handler.go DiagnoseWorkflowExecution
import { StartWorkflowExecutionRequest, WorkflowIdReusePolicy } from '@antiphon/proto';
import { badRequest, WorkflowExecutionAlreadyStartedError } from '#base';
import { durationOf } from '#core';
import { DIAGNOSTICS_TASK_LIST, SYSTEM_DOMAIN } from '#domains';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkLength, requireRun } from './request-checks.ts';

const EXECUTION_SECONDS = 86_400;
const TASK_SECONDS = 300;
const USER: Traits = { class: 'user', forward: 'never' };

export function createDiagnoseApi(
  { env, domains, history }: FrontendDeps,
  { serve, byDomain }: Pipeline,
): Pick<Handlers<(typeof SERVICE_DEFINITIONS)['workflow']>, 'diagnoseWorkflowExecution'> {
  return {
    diagnoseWorkflowExecution: serve('workflow', 'diagnoseWorkflowExecution', USER, byDomain, async (request, call) => {
      const { workflowExecution: execution, identity, domain } = request;
      if (!execution?.workflowId || !execution.runId) throw badRequest('Execution is not set on request.');
      const { workflowId: WorkflowID, runId: RunID } = requireRun(call.subject.id, execution, call.limits);
      checkLength(identity, call.limits, 'Identity');
      const { id: domainId } = await domains.byName(SYSTEM_DOMAIN);
      const workflowId = `${domain}-${RunID}`;
      const input = { Domain: domain, Identity: identity, WorkflowID, RunID };
      const start = {
        ...StartWorkflowExecutionRequest.fromPartial({
          domain: SYSTEM_DOMAIN,
          workflowId,
          workflowType: { name: 'diagnostics-starter-workflow' },
          taskList: { name: DIAGNOSTICS_TASK_LIST },
          input: { data: Buffer.from(JSON.stringify(input)) },
          identity,
          requestId: env.random.uuid(),
          workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
        }),
        executionStartToCloseTimeout: durationOf(EXECUTION_SECONDS),
        taskStartToCloseTimeout: durationOf(TASK_SECONDS),
      };
      const started = async (): Promise<string> => {
        try {
          return (await history.startWorkflow(start, { domainId })).runId;
        } catch (error) {
          if (error instanceof WorkflowExecutionAlreadyStartedError) return error.runId;
          throw error;
        }
      };
      return { domain: SYSTEM_DOMAIN, diagnosticWorkflowExecution: { workflowId, runId: await started() } };
    }),
  };
}
