// What workers and matching ask of history: starting and answering decisions and activities.
import type { Decision, HistoryEvent } from '@antiphon/proto';
import { assert, EntityNotExistsError } from '#base';
import {
  type ActivityTarget,
  type DomainView,
  durationOf,
  type StartedActivity,
  type StartedDecision,
  timestampOf,
  type WorkflowState,
} from '#core';
import { type ActivityTaskRef, encodeTaskToken, type HistoryClient, type RecordActivityTaskStartedReply } from '#rpc';
import type { HistoryContext } from './context.ts';
import { decisionResponse, readTaskHistory, type TaskHistory, takeTaskHistory } from './decision-task.ts';
import { type AttributesOf, loadInitiated } from './run-access.ts';
import { isClosed } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';

import type { RunEntry } from './workflow-cache.ts';

type WorkerApi = Pick<
  HistoryClient,
  | 'recordDecisionTaskStarted'
  | 'recordActivityTaskStarted'
  | 'respondDecisionTaskCompleted'
  | 'respondDecisionTaskFailed'
  | 'respondActivityTaskCompleted'
  | 'respondActivityTaskFailed'
  | 'respondActivityTaskCanceled'
  | 'recordActivityTaskHeartbeat'
>;

type ActivityScheduled = AttributesOf<'activityTaskScheduledEventAttributes'>;

const targetOf = (task: ActivityTaskRef): ActivityTarget =>
  'activityId' in task ? { activityId: task.activityId } : { scheduleId: task.scheduleId, attempt: task.attempt };

const isDecisionOver = (state: WorkflowState, { scheduleId }: { readonly scheduleId: number }): boolean =>
  isClosed(state) || state.info.decision?.scheduleId !== scheduleId;

const isActivityOver = (state: WorkflowState, { scheduleId }: { readonly scheduleId: number }): boolean =>
  isClosed(state) || !state.activities.has(scheduleId);

export function createWorkerApi(context: HistoryContext): WorkerApi {
  const { deps, options } = context;
  const { store } = deps;

  /** The state and the history of a decision that was started just now, as they are in this turn. */
  const takeStarted = (entry: RunEntry, started: StartedDecision): { state: WorkflowState; history: TaskHistory } => {
    const { previousStartedEventId, stickyExecutionEnabled, transientEvents } = started;
    const from = stickyExecutionEnabled && previousStartedEventId !== undefined ? previousStartedEventId + 1 : 1;
    return { state: entry.state, history: takeTaskHistory(entry.state, entry.recent, from, transientEvents) };
  };

  return {
    async recordDecisionTaskStarted(task, request) {
      let taken: ReturnType<typeof takeStarted> | undefined;
      let queries = {};
      const { scheduleId } = task;
      const { requestId, identity } = request;
      const { reply } = await context.run(
        task,
        { kind: 'recordDecisionTaskStarted', scheduleId, requestId, identity },
        {
          isOver: isDecisionOver,
          inTurn: ({ reply, entry }) => {
            taken = takeStarted(entry, reply);
            if (entry.queries?.isEmpty === false) queries = entry.queries.forTask();
          },
        },
      );
      assert(taken !== undefined, 'a started decision has its history');
      const page = await readTaskHistory(store.history, taken.state, taken.history, options.pageEventCount);
      return { task: decisionResponse(taken.state, reply, page, queries) };
    },

    async recordActivityTaskStarted(task, request) {
      let taken: { state: WorkflowState; actor: ShardActor } | undefined;
      const { scheduleId, attempt } = task;
      const { requestId, identity } = request;
      const { reply } = await context.run(
        task,
        { kind: 'recordActivityTaskStarted', scheduleId, attempt, requestId, identity },
        {
          isOver: isActivityOver,
          inTurn: ({ entry }, actor) => {
            taken = { state: entry.state, actor };
          },
        },
      );
      assert(taken !== undefined, 'a started activity has its state');
      const { state, actor } = taken;
      const scheduled = await loadInitiated(context, actor, state, 'activityTaskScheduledEventAttributes', {
        initiatedId: scheduleId,
        initiatedEventBatchId: reply.activity.scheduledEventBatchId,
      });
      const domain = await context.domain(task.domainId);
      return activityResponse(state, reply, scheduled.attributes, scheduled.event.eventTime, domain);
    },

    async respondDecisionTaskCompleted(task, request) {
      const { scheduleId, attempt } = task;
      const { caller, queryResults } = request;
      const findDomain = await resolveDomains(context, request.decisions);
      let taken: ReturnType<typeof takeStarted> | undefined;
      let queries = {};
      const answeredQueries = new Map(Object.entries(queryResults).map(([id, { resultType }]) => [id, resultType]));
      const isHeartbeat = request.forceCreateNewDecisionTask && request.decisions.length === 0;
      const { reply } = await context.run(
        task,
        {
          kind: 'respondDecisionTaskCompleted',
          scheduleId,
          attempt,
          decisions: request.decisions,
          executionContext: request.executionContext,
          identity: request.identity,
          binaryChecksum: request.binaryChecksum,
          stickyAttributes: request.stickyAttributes,
          returnNewDecisionTask: request.returnNewDecisionTask,
          forceCreateNewDecisionTask: request.forceCreateNewDecisionTask,
          client: {
            impl: caller.clientImpl,
            featureVersion: caller.featureVersion,
            libraryVersion: caller.libraryVersion,
          },
          answeredQueries,
          findDomain,
        },
        {
          inTurn: ({ reply, entry }) => {
            // A heartbeat's local activities may still run: its worker has not seen all that the queries must reflect.
            if (!isHeartbeat && reply.failedCause === undefined) entry.queries?.answer(queryResults);
            if (reply.newDecision === undefined) return;
            // The worker has everything up to here: a new task in the answer is always sticky.
            taken = takeStarted(entry, { ...reply.newDecision, stickyExecutionEnabled: true });
            if (entry.queries?.isEmpty === false) queries = entry.queries.forTask();
          },
        },
      );
      if (reply.heartbeatTimedOut) throw new EntityNotExistsError('decision heartbeat timeout');
      const localActivities = new Map(
        [...reply.localActivities].map(([id, { activity, startedTimeMs }]) => [
          id,
          { scheduleId: activity.scheduleId, scheduledTimeMs: activity.scheduledTimeMs, startedTimeMs },
        ]),
      );
      if (taken === undefined || reply.newDecision === undefined) return { localActivities };
      const page = await readTaskHistory(store.history, taken.state, taken.history, options.pageEventCount);
      return { newTask: decisionResponse(taken.state, reply.newDecision, page, queries), localActivities };
    },

    async respondDecisionTaskFailed(task, request) {
      const { scheduleId, attempt } = task;
      await context.run(task, { kind: 'respondDecisionTaskFailed', scheduleId, attempt, ...request });
    },

    async respondActivityTaskCompleted(task, request) {
      await context.run(task, { kind: 'respondActivityTaskCompleted', ...targetOf(task), ...request });
    },

    async respondActivityTaskFailed(task, request) {
      await context.run(task, { kind: 'respondActivityTaskFailed', ...targetOf(task), ...request });
    },

    async respondActivityTaskCanceled(task, request) {
      await context.run(task, { kind: 'respondActivityTaskCanceled', ...targetOf(task), ...request });
    },

    async recordActivityTaskHeartbeat(task, request) {
      const { reply } = await context.run(task, {
        kind: 'recordActivityTaskHeartbeat',
        ...targetOf(task),
        ...request,
      });
      return reply;
    },
  };
}

/** Domains that decisions name, looked up before the command so that it needs no I/O. */
async function resolveDomains(
  context: HistoryContext,
  decisions: readonly Decision[],
): Promise<(name: string) => DomainView | undefined> {
  const { domains } = context.deps;
  for (const { attributes } of decisions) {
    const value = attributes?.value;
    const name = value !== undefined && 'domain' in value ? value.domain : '';
    if (name === '' || domains.peekByName(name) !== undefined) continue;
    try {
      await domains.byName(name);
    } catch (error) {
      // An unknown domain is the decision's fault, which the engine answers; anything else is ours.
      if (!(error instanceof EntityNotExistsError)) throw error;
    }
  }
  return (name) => domains.peekByName(name);
}

function activityResponse(
  state: WorkflowState,
  { activity, startedTimeMs }: StartedActivity,
  scheduled: ActivityScheduled,
  scheduledTime: HistoryEvent['eventTime'],
  domain: DomainView,
): RecordActivityTaskStartedReply {
  const { info } = state;
  return {
    task: {
      taskToken: encodeTaskToken({
        domainId: info.domainId,
        workflowId: info.workflowId,
        workflowType: info.workflowType,
        runId: info.runId,
        scheduleId: activity.scheduleId,
        scheduleAttempt: activity.attempt,
        activityId: activity.activityId,
        activityType: scheduled.activityType?.name ?? '',
      }),
      workflowExecution: { workflowId: info.workflowId, runId: info.runId },
      activityId: activity.activityId,
      activityType: scheduled.activityType,
      input: scheduled.input,
      scheduledTime,
      startedTime: timestampOf(startedTimeMs),
      scheduleToCloseTimeout: durationOf(activity.scheduleToCloseSeconds),
      startToCloseTimeout: durationOf(activity.startToCloseSeconds),
      heartbeatTimeout: durationOf(activity.heartbeatSeconds),
      attempt: activity.attempt,
      scheduledTimeOfThisAttempt: timestampOf(activity.scheduledTimeMs),
      heartbeatDetails: activity.heartbeatDetails,
      workflowType: { name: info.workflowType },
      workflowDomain: domain.name,
      header: scheduled.header,
    },
  };
}
