// Raw workers of one region: pollers of decision, sticky and activity lists through the frontend API. They answer by the plan that is in each
// run's input, are slow, silent or wrong at times, and write down which activity results were acknowledged.
import {
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  PollForActivityTaskRequest,
  type PollForActivityTaskResponse,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  QueryResultType,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIDRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedRequest,
  RespondDecisionTaskCompletedRequest,
  RespondDecisionTaskFailedRequest,
  RespondQueryTaskCompletedRequest,
  TaskListKind,
  type WorkflowQueryResult,
} from '@antiphon/proto';
import { Chance } from './chance.ts';
import { outcomeOf, type Watch } from './journaled-call.ts';
import { decideStory, seconds } from './run-story.ts';
import { decodeInput, encodeInput } from './story-input.ts';
import type { World } from './world.ts';

export const TASK_LIST = 'work';

export interface WorkerPlace {
  readonly regionName: string;
  readonly tenant: string;
  readonly index: number;
}

export function startWorker(world: World, place: WorkerPlace, watch: Watch): void {
  const { tenant, regionName, index } = place;
  const identity = `${tenant}/worker-${regionName}-${index}`;
  const chance = world.chance.fork(identity);
  const client = world.clientOf(regionName, chance.fork('network'), watch);
  const sticky = `sticky-${identity}`;
  const usesSticky = world.profile.usesSticky && index === 0;

  const pollForever = async (poll: () => Promise<boolean>): Promise<void> => {
    while (!world.isOver()) {
      const hadWork = await poll();
      if (!hadWork) await world.sleep(chance.between(20, 200));
    }
  };

  const pollDecision = (list: string, kind: TaskListKind) => async (): Promise<boolean> => {
    const request = PollForDecisionTaskRequest.fromPartial({
      domain: tenant,
      taskList: { name: list, kind },
      identity,
    });
    const task = await watch.attempt('poll-decision', () =>
      client.worker.pollForDecisionTask(request, { timeoutMs: 15_000 }),
    );
    if (task === undefined) return false;
    if (task.taskToken.length === 0) return true;
    void watch.guarded(() => answerDecision(task));
    return true;
  };

  const answerDecision = async (task: PollForDecisionTaskResponse): Promise<void> => {
    await world.sleep(chance.is(0.1) ? chance.between(500, 3_000) : chance.between(0, 60));
    if (task.query !== undefined) {
      await answerQuery(task);
      return;
    }
    if (world.isSilent(chance)) return;
    if (chance.is(0.03)) {
      await failDecision(task);
      return;
    }
    const events = await wholeHistory(task);
    if (events === undefined) return;
    requireTenant(events);
    const drawn = decideStory(task.workflowExecution?.workflowId ?? '', events, world.workflowIds);
    if (drawn.length === 0) world.coverage.decision('nothing');
    for (const { kind } of drawn) world.coverage.decision(kind);
    const queryResults: Record<string, WorkflowQueryResult> = {};
    for (const id of Object.keys(task.queries)) queryResults[id] = answerOfQuery();
    const request = RespondDecisionTaskCompletedRequest.fromPartial({
      taskToken: task.taskToken,
      decisions: drawn.map(({ decision }) => decision),
      identity,
      binaryChecksum: 'sim',
      queryResults,
      stickyAttributes: usesSticky
        ? {
            workerTaskList: { name: sticky, kind: TaskListKind.TASK_LIST_KIND_STICKY },
            scheduleToStartTimeout: seconds(2),
          }
        : undefined,
    });
    // The token makes a repetition harmless.
    await watch.retried('respond-decision', 3, () => client.worker.respondDecisionTaskCompleted(request));
  };

  const failDecision = (task: PollForDecisionTaskResponse): Promise<unknown> =>
    watch.attempt('fail-decision', () =>
      client.worker.respondDecisionTaskFailed(
        RespondDecisionTaskFailedRequest.fromPartial({ taskToken: task.taskToken, cause: 1, identity }),
      ),
    );

  /**
   * Sticky tasks bring only what is new; a worker that does not know the run reads the rest, as SDKs do. A history that ends before the
   * decision began was read where the run is not owned any more: the task is left alone.
   */
  const wholeHistory = async (task: PollForDecisionTaskResponse): Promise<readonly HistoryEvent[] | undefined> => {
    const given = task.history?.events ?? [];
    const isFromStart = given[0]?.eventId === 1n;
    const events: HistoryEvent[] = isFromStart ? [...given] : [];
    let nextPageToken: Uint8Array = isFromStart ? task.nextPageToken : new Uint8Array();
    for (let hasMore = !isFromStart || nextPageToken.length > 0; hasMore; hasMore = nextPageToken.length > 0) {
      const request = GetWorkflowExecutionHistoryRequest.fromPartial({
        domain: tenant,
        workflowExecution: task.workflowExecution,
        pageSize: 40,
        nextPageToken,
      });
      const page = await watch.attempt('history', () => client.workflow.getWorkflowExecutionHistory(request));
      if (page === undefined) return undefined;
      events.push(...(page.history?.events ?? []));
      nextPageToken = page.nextPageToken;
    }
    const seen = events.filter(({ eventId }) => eventId <= task.startedEventId);
    return seen.at(-1)?.eventId === task.startedEventId ? seen : undefined;
  };

  const requireTenant = (events: readonly HistoryEvent[]): void => {
    const first = events[0]?.attributes;
    if (first?.$case !== 'workflowExecutionStartedEventAttributes') {
      world.report('history-wellformed', '', `a decision task's history begins with ${first?.$case ?? 'nothing'}`);
      return;
    }
    const owner = decodeInput(first.value.input).tenant;
    if (owner !== tenant) world.report('tenant-isolation', '', `a worker of ${tenant} got a decision task of ${owner}`);
  };

  const answerOfQuery = (): WorkflowQueryResult => ({
    resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED,
    answer: encodeInput({ tenant }),
    errorMessage: '',
  });

  const answerQuery = (task: PollForDecisionTaskResponse): Promise<unknown> =>
    watch.attempt('respond-query', () =>
      client.worker.respondQueryTaskCompleted(
        RespondQueryTaskCompletedRequest.fromPartial({ taskToken: task.taskToken, result: answerOfQuery() }),
      ),
    );

  const pollActivity = async (): Promise<boolean> => {
    const request = PollForActivityTaskRequest.fromPartial({
      domain: tenant,
      taskList: { name: TASK_LIST, kind: TaskListKind.TASK_LIST_KIND_NORMAL },
      identity,
    });
    const task = await watch.attempt('poll-activity', () =>
      client.worker.pollForActivityTask(request, { timeoutMs: 15_000 }),
    );
    if (task === undefined) return false;
    if (task.taskToken.length > 0) void watch.guarded(() => runActivity(task));
    return true;
  };

  const runActivity = async (task: PollForActivityTaskResponse): Promise<void> => {
    const input = decodeInput(task.input);
    const { workflowId = '', runId = '' } = task.workflowExecution ?? {};
    if (input.tenant !== tenant) {
      world.report('tenant-isolation', workflowId, `a worker of ${tenant} got an activity of ${input.tenant}`);
    }
    const plan = new Chance(`${input.plan}/${task.attempt}`);
    await world.sleep(plan.is(0.2) ? plan.between(300, 2_500) : plan.between(0, 80));
    if (world.isSilent(chance)) return;
    const kind = plan.weighted({ complete: 6, fail: 2, silent: 0.8, heartbeat: 2.5, completeById: 0.7 });
    if (kind === 'silent') return;
    if (kind === 'fail') {
      const failure = { reason: plan.is(0.5) ? 'drawn' : 'other', details: Buffer.from(tenant) };
      const request = RespondActivityTaskFailedRequest.fromPartial({ taskToken: task.taskToken, failure, identity });
      await watch.retried('fail-activity', 3, () => client.worker.respondActivityTaskFailed(request));
      return;
    }
    if (kind === 'heartbeat' && (await heartbeats(task, plan)) === 'cancelled') return;
    const result = `${tenant}:${runId}:${task.activityId}:${task.attempt}:${chance.uuid()}`;
    const journaled = {
      operation: 'completion' as const,
      domain: tenant,
      workflowId,
      namedRunId: runId,
      requestId: result,
    };
    const payload = { data: Buffer.from(result) };
    if (kind === 'completeById') {
      const execution = { workflowId, runId };
      const request = RespondActivityTaskCompletedByIDRequest.fromPartial({
        domain: tenant,
        workflowExecution: execution,
        activityId: task.activityId,
        result: payload,
        identity,
      });
      await watch.journaled('complete-activity-by-id', journaled, 3, () =>
        client.worker.respondActivityTaskCompletedById(request),
      );
      return;
    }
    const request = RespondActivityTaskCompletedRequest.fromPartial({
      taskToken: task.taskToken,
      result: payload,
      identity,
    });
    await watch.journaled('complete-activity', journaled, 3, () => client.worker.respondActivityTaskCompleted(request));
  };

  const heartbeats = async (task: PollForActivityTaskResponse, plan: Chance): Promise<'go-on' | 'cancelled'> => {
    for (let beat = plan.whole(1, 4); beat > 0; beat--) {
      const request = RecordActivityTaskHeartbeatRequest.fromPartial({
        taskToken: task.taskToken,
        details: encodeInput({ tenant, beat }),
        identity,
      });
      const reply = await watch.attempt('heartbeat-activity', () => client.worker.recordActivityTaskHeartbeat(request));
      if (reply?.cancelRequested) {
        const cancel = RespondActivityTaskCanceledRequest.fromPartial({ taskToken: task.taskToken, identity });
        await watch.retried('cancel-activity', 3, () => client.worker.respondActivityTaskCanceled(cancel));
        return 'cancelled';
      }
      await world.sleep(plan.between(100, 900));
    }
    return 'go-on';
  };

  void watch.guarded(() => pollForever(pollDecision(TASK_LIST, TaskListKind.TASK_LIST_KIND_NORMAL)));
  void watch.guarded(() => pollForever(pollActivity));
  if (usesSticky) void watch.guarded(() => pollForever(pollDecision(sticky, TaskListKind.TASK_LIST_KIND_STICKY)));
}

export { outcomeOf };
