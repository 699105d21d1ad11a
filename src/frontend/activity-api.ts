// Answers and heartbeats of activities, by token or by id. The two forms differ only in how the task is named: a ByID call leaves schedule
// id and attempt open, and history finds the activity by its id.
import type { Failure, Payload, WorkflowExecution } from '@antiphon/proto';
import { badRequest } from '#base';
import type { DomainView, Limits } from '#core';
import type { ActivityTaskRef, Handlers, HistoryClient, SERVICE_DEFINITIONS, TaskToken } from '#rpc';
import { oversizeFailure } from './oversize.ts';
import type { Call, Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkLength, isUuid, requireRun } from './request-checks.ts';

type WorkerHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['worker']>;

const RESPOND: Traits = { class: 'worker', forward: 'selected-v2', normalizesCompleted: true };
const HEARTBEAT: Traits = { ...RESPOND, forward: 'asked' };

export function createActivityApi(deps: FrontendDeps, { serve, byTask, byDomain }: Pipeline): WorkerHandlers {
  const answers = activityAnswers(deps.history);
  return {
    respondActivityTaskCompleted: serve('worker', 'respondActivityTaskCompleted', RESPOND, byTask, (request, call) =>
      answers.complete(byToken(call), request, call.limits),
    ),
    respondActivityTaskCompletedById: serve(
      'worker',
      'respondActivityTaskCompletedById',
      RESPOND,
      byDomain,
      async (request, call) => answers.complete(byId(call, request), request, call.limits),
    ),
    respondActivityTaskFailed: serve('worker', 'respondActivityTaskFailed', RESPOND, byTask, (request, call) =>
      answers.fail(byToken(call), request, call.limits),
    ),
    respondActivityTaskFailedById: serve(
      'worker',
      'respondActivityTaskFailedById',
      RESPOND,
      byDomain,
      async (request, call) => answers.fail(byId(call, request), request, call.limits),
    ),
    respondActivityTaskCanceled: serve('worker', 'respondActivityTaskCanceled', RESPOND, byTask, (request, call) =>
      answers.cancel(byToken(call), request, call.limits),
    ),
    respondActivityTaskCanceledById: serve(
      'worker',
      'respondActivityTaskCanceledById',
      RESPOND,
      byDomain,
      async (request, call) => answers.cancel(byId(call, request), request, call.limits),
    ),
    recordActivityTaskHeartbeat: serve('worker', 'recordActivityTaskHeartbeat', HEARTBEAT, byTask, (request, call) =>
      answers.heartbeat(byToken(call), request, call.limits),
    ),
    recordActivityTaskHeartbeatById: serve(
      'worker',
      'recordActivityTaskHeartbeatById',
      HEARTBEAT,
      byDomain,
      async (request, call) => answers.heartbeat(byId(call, request), request, call.limits),
    ),
  };
}

const byToken = ({ subject: token }: Call<TaskToken>): ActivityTaskRef => ({
  domainId: token.domainId,
  workflowId: token.workflowId,
  runId: token.runId,
  scheduleId: token.scheduleId,
  attempt: token.scheduleAttempt,
});

const NO_EXECUTION: WorkflowExecution = { workflowId: '', runId: '' };

function byId(
  { subject: domain, limits }: Call<DomainView>,
  request: { workflowExecution?: WorkflowExecution | undefined; activityId: string },
): ActivityTaskRef {
  const { workflowId, runId } = request.workflowExecution ?? NO_EXECUTION;
  if (workflowId !== '' && runId !== '' && !isUuid(runId)) throw badRequest('RunID is not valid UUID.');
  const run = requireRun(domain.id, { workflowId, runId }, limits);
  if (request.activityId === '') throw badRequest('ActivityID is not set on request.');
  checkLength(request.activityId, limits, 'ActivityID');
  return { ...run, activityId: request.activityId };
}

type With<F> = F & { readonly identity: string };

function activityAnswers(history: HistoryClient) {
  const failOversize = async (task: ActivityTaskRef, failure: Failure, identity: string): Promise<void> =>
    history.respondActivityTaskFailed(task, { failure, identity });
  return {
    async complete(
      task: ActivityTaskRef,
      { result, identity }: With<{ result?: Payload | undefined }>,
      limits: Limits,
    ) {
      checkLength(identity, limits, 'Identity');
      const oversize = oversizeFailure(result, 'COMPLETE_RESULT_EXCEEDS_LIMIT', limits);
      if (oversize === undefined) await history.respondActivityTaskCompleted(task, { result, identity });
      else await failOversize(task, oversize, identity);
      return {};
    },
    async fail(task: ActivityTaskRef, { failure, identity }: With<{ failure?: Failure | undefined }>, limits: Limits) {
      checkLength(identity, limits, 'Identity');
      const given = failure ?? { reason: '', details: new Uint8Array() };
      const oversize = oversizeFailure({ data: given.details }, 'FAILURE_DETAILS_EXCEEDS_LIMIT', limits);
      await history.respondActivityTaskFailed(task, { failure: oversize ?? given, identity });
      return {};
    },
    async cancel(
      task: ActivityTaskRef,
      { details, identity }: With<{ details?: Payload | undefined }>,
      limits: Limits,
    ) {
      checkLength(identity, limits, 'Identity');
      const oversize = oversizeFailure(details, 'CANCEL_DETAILS_EXCEEDS_LIMIT', limits);
      if (oversize === undefined) await history.respondActivityTaskCanceled(task, { details, identity });
      else await failOversize(task, oversize, identity);
      return {};
    },
    async heartbeat(
      task: ActivityTaskRef,
      { details, identity }: With<{ details?: Payload | undefined }>,
      limits: Limits,
    ) {
      checkLength(identity, limits, 'Identity');
      const oversize = oversizeFailure(details, 'HEARTBEAT_EXCEEDS_LIMIT', limits);
      if (oversize === undefined) return history.recordActivityTaskHeartbeat(task, { details, identity });
      await failOversize(task, oversize, identity);
      return { cancelRequested: true };
    },
  };
}
