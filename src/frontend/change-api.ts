// RPCs that change an open run: signal, cancel, terminate, refresh.
import { badRequest } from '#base';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { refuseDrained } from './isolation-drain.ts';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkBlobSize, checkLength, payloadSize, requireRun } from './request-checks.ts';

type WorkflowHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['workflow']>;

const CHANGE: Traits = { class: 'user', forward: 'selected', normalizesCompleted: true };

export function createChangeApi(
  { history, isolationGroups }: FrontendDeps,
  { serve, byDomain }: Pipeline,
): WorkflowHandlers {
  return {
    signalWorkflowExecution: serve('workflow', 'signalWorkflowExecution', CHANGE, byDomain, async (request, call) => {
      const { limits } = call;
      const run = requireRun(call.subject.id, request.workflowExecution, limits);
      const { signalName, signalInput: input, identity, requestId } = request;
      if (signalName === '') throw badRequest('SignalName is not set on request.');
      checkLength(signalName, limits, 'SignalName');
      checkLength(requestId, limits, 'RequestID');
      checkLength(identity, limits, 'Identity');
      checkBlobSize(payloadSize(input), limits);
      refuseDrained(isolationGroups, call.subject, call.context);
      await history.signalWorkflow(run, { signalName, input, identity, requestId });
      return {};
    }),

    requestCancelWorkflowExecution: serve(
      'workflow',
      'requestCancelWorkflowExecution',
      CHANGE,
      byDomain,
      async (request, call) => {
        const { limits } = call;
        const run = requireRun(call.subject.id, request.workflowExecution, limits);
        const { cause, identity, requestId, firstExecutionRunId } = request;
        checkLength(requestId, limits, 'RequestID');
        checkLength(identity, limits, 'Identity');
        checkBlobSize(cause.length, limits);
        await history.requestCancelWorkflow(run, { cause, identity, requestId, firstExecutionRunId });
        return {};
      },
    ),

    terminateWorkflowExecution: serve(
      'workflow',
      'terminateWorkflowExecution',
      CHANGE,
      byDomain,
      async (request, call) => {
        const { limits } = call;
        const run = requireRun(call.subject.id, request.workflowExecution, limits);
        const { reason, details, identity, firstExecutionRunId } = request;
        checkLength(identity, limits, 'Identity');
        checkBlobSize(reason.length + payloadSize(details), limits);
        await history.terminateWorkflow(run, { reason, details, identity, firstExecutionRunId });
        return {};
      },
    ),

    refreshWorkflowTasks: serve(
      'workflow',
      'refreshWorkflowTasks',
      { class: 'user', forward: 'asked' },
      byDomain,
      async (request, call) => {
        await history.refreshTasks(requireRun(call.subject.id, request.workflowExecution, call.limits));
        return {};
      },
    ),
  };
}
