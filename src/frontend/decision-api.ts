// Answers to decision and query tasks, and the sticky reset. The token names run and task; history checks that the task is still open.
import { DecisionTaskFailedCause, QueryResultType, type RespondDecisionTaskCompletedResponse } from '@antiphon/proto';
import { badRequest } from '#base';
import { type Limits, timestampOf } from '#core';
import {
  type DecisionTaskRef,
  encodeTaskToken,
  type Handlers,
  type HistoryClient,
  type SERVICE_DEFINITIONS,
  type TaskToken,
} from '#rpc';
import { secondsOfDuration } from './durations.ts';
import { authorizeForeignDomains } from './foreign-domains.ts';
import { truncatedPayload } from './oversize.ts';
import type { Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps } from './ports.ts';
import { checkEnum, checkLength, payloadSize, requireRun } from './request-checks.ts';

type WorkerHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['worker']>;
type Completed = Awaited<ReturnType<HistoryClient['respondDecisionTaskCompleted']>>;

const RESPOND: Traits = { class: 'worker', forward: 'asked', normalizesCompleted: true };

export function createDecisionApi(deps: FrontendDeps, pipeline: Pipeline): WorkerHandlers {
  const { history, matching } = deps;
  const { serve, byTask, byQueryTask, byDomain } = pipeline;
  return {
    respondDecisionTaskCompleted: serve(
      'worker',
      'respondDecisionTaskCompleted',
      RESPOND,
      byTask,
      async (request, call) => {
        const { context, subject: token, limits } = call;
        checkLength(request.identity, limits, 'Identity');
        if (limits.decisionResultCountMax > 0 && request.decisions.length > limits.decisionResultCountMax) {
          throw badRequest('Decision result count exceeds limit.');
        }
        if (Number.isNaN(secondsOfDuration(request.stickyAttributes?.scheduleToStartTimeout))) {
          throw badRequest('ScheduleToStartTimeoutSeconds is out of range on StickyAttributes.');
        }
        if (call.principal !== undefined) {
          const own = deps.domains.peekById(token.domainId)?.name ?? '';
          await authorizeForeignDomains(deps, request.decisions, own, call);
        }
        const completed = await history.respondDecisionTaskCompleted(decisionOf(token), {
          decisions: request.decisions,
          executionContext: request.executionContext,
          identity: request.identity,
          binaryChecksum: request.binaryChecksum,
          stickyAttributes: request.stickyAttributes,
          returnNewDecisionTask: request.returnNewDecisionTask,
          forceCreateNewDecisionTask: request.forceCreateNewDecisionTask,
          queryResults: request.queryResults,
          caller: context.caller,
        });
        return {
          response: {
            decisionTask: completed.newTask?.response,
            activitiesToDispatchLocally: localDispatch(token, completed),
          },
          historyBlobs: completed.newTask?.historyBlobs ?? [],
        };
      },
    ),

    respondDecisionTaskFailed: serve('worker', 'respondDecisionTaskFailed', RESPOND, byTask, async (request, call) => {
      const { limits } = call;
      checkLength(request.identity, limits, 'Identity');
      checkEnum(request.cause, DecisionTaskFailedCause, 'DecisionTaskFailedCause');
      await history.respondDecisionTaskFailed(decisionOf(call.subject), {
        // A worker that names no cause means the first, as in Thrift, where it cannot be left out.
        cause: request.cause || DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_UNHANDLED_DECISION,
        details: truncatedPayload(request.details, limits),
        identity: request.identity,
        binaryChecksum: request.binaryChecksum,
      });
      return {};
    }),

    respondQueryTaskCompleted: serve(
      'worker',
      'respondQueryTaskCompleted',
      RESPOND,
      byQueryTask,
      async (request, call) => {
        const { context, subject: token, limits } = call;
        const result = request.result;
        if (result === undefined) throw badRequest('Query result is not set on request.');
        checkEnum(result.resultType, QueryResultType, 'QueryResultType');
        const version = request.workerVersionInfo;
        await matching.respondQueryTaskCompleted(
          { domainId: token.domainId, taskListName: token.taskList, taskId: token.taskId },
          isOversize(result, limits)
            ? {
                resultType: QueryResultType.QUERY_RESULT_TYPE_FAILED,
                answer: undefined,
                errorMessage: 'Blob data size exceeds limit.',
              }
            : result,
          version === undefined
            ? context.caller
            : { ...context.caller, clientImpl: version.impl, featureVersion: version.featureVersion },
        );
        return {};
      },
    ),

    resetStickyTaskList: serve('worker', 'resetStickyTaskList', RESPOND, byDomain, async (request, call) => {
      await history.resetStickyTaskList(requireRun(call.subject.id, request.workflowExecution, call.limits));
      return {};
    }),
  };
}

const isOversize = (
  result: { answer?: { data: Uint8Array } | undefined; errorMessage: string },
  limits: Limits,
): boolean => payloadSize(result.answer) + result.errorMessage.length > limits.blobSizeBytesMax;

const decisionOf = (token: TaskToken): DecisionTaskRef => ({
  domainId: token.domainId,
  workflowId: token.workflowId,
  runId: token.runId,
  scheduleId: token.scheduleId,
  attempt: token.scheduleAttempt,
});

function localDispatch(
  decision: TaskToken,
  { localActivities }: Completed,
): RespondDecisionTaskCompletedResponse['activitiesToDispatchLocally'] {
  const found: RespondDecisionTaskCompletedResponse['activitiesToDispatchLocally'] = {};
  for (const [activityId, { scheduleId, scheduledTimeMs, startedTimeMs }] of localActivities) {
    const token = encodeTaskToken({
      domainId: decision.domainId,
      workflowId: decision.workflowId,
      workflowType: decision.workflowType,
      runId: decision.runId,
      scheduleId,
      scheduleAttempt: 0,
      activityId,
    });
    found[activityId] = {
      activityId,
      scheduledTime: timestampOf(scheduledTimeMs),
      startedTime: timestampOf(startedTimeMs),
      scheduledTimeOfThisAttempt: timestampOf(scheduledTimeMs),
      taskToken: token,
    };
  }
  return found;
}
