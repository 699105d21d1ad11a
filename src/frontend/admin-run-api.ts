// Admin RPCs of single runs: deletion, repair, signals added by hand; and the cross-cluster tasks that Cadence has given up.
// Cadence: service/frontend/admin/handler.go
import { type DataBlob, EncodingType, History, type HistoryEvent } from '@antiphon/proto';
import { badRequest, unimplemented } from '#base';
import type { DeletedParts, HistoryAdmin } from '#rpc';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';
import { requireRun } from './request-checks.ts';

export function createRunAdminApi(
  { env, historyAdmin }: FrontendDeps,
  { serve, byDomain, byNothing }: Pipeline,
): AdminHandlers {
  const operator = (): HistoryAdmin => {
    if (historyAdmin !== undefined) return historyAdmin;
    throw unimplemented('This process has no history service of its own.');
  };
  const answer = ({ history, executions, visibility }: DeletedParts) => ({
    historyDeleted: history,
    executionsDeleted: executions,
    visibilityDeleted: visibility,
  });
  return {
    deleteWorkflow: serve('admin', 'deleteWorkflow', ADMIN_CALL, byDomain, async (request, { subject, limits }) =>
      answer(await operator().deleteRun(requireRun(subject.id, request.workflowExecution, limits))),
    ),

    maintainCorruptWorkflow: serve('admin', 'maintainCorruptWorkflow', ADMIN_CALL, byDomain, async (request, call) => {
      if (request.workflowExecution === undefined) throw badRequest('Execution is missing');
      const run = requireRun(call.subject.id, request.workflowExecution, call.limits);
      const { faults, ...deleted } = await operator().deleteCorruptRun(run);
      if (faults.length > 0) {
        const { workflowId, runId } = run;
        env.logger.warn('a corrupt run was found', { 'wf-id': workflowId, 'wf-run-id': runId, faults, deleted });
      }
      return answer(deleted);
    }),

    reapplyEvents: serve('admin', 'reapplyEvents', ADMIN_CALL, byDomain, async (request, { subject, limits }) => {
      if (request.workflowExecution?.workflowId === '') throw badRequest('WorkflowId is not set on request.');
      const run = requireRun(subject.id, request.workflowExecution, limits);
      await operator().reapplyEvents(run, eventsOf(request.events));
      return {};
    }),

    getCrossClusterTasks: serve('admin', 'getCrossClusterTasks', ADMIN_CALL, byNothing, async ({ targetCluster }) => {
      requireCluster(targetCluster);
      throw badRequest('The cross-cluster feature has been deprecated.');
    }),

    respondCrossClusterTasksCompleted: serve(
      'admin',
      'respondCrossClusterTasksCompleted',
      ADMIN_CALL,
      byNothing,
      async ({ targetCluster }) => {
        requireCluster(targetCluster);
        throw badRequest('The cross-cluster feature has been deprecated');
      },
    ),
  };
}

function requireCluster(name: string): void {
  if (name === '') throw badRequest('Cluster name is not set.');
}

function eventsOf(blob: DataBlob | undefined): readonly HistoryEvent[] {
  if (blob === undefined || blob.data.length === 0) throw badRequest('Events are not set on request.');
  if (blob.encodingType !== EncodingType.ENCODING_TYPE_PROTO3) {
    throw badRequest('Events must be in the encoding ENCODING_TYPE_PROTO3.');
  }
  try {
    return History.decode(blob.data).events;
  } catch (cause) {
    throw badRequest('Events cannot be decoded.', { cause });
  }
}
