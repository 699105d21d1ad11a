// The matching service: task lists by name, long polls, queries. It owns no durable state but task list backlogs; everything it loses in a
// crash is either still in history's transfer queue (the caller was not answered) or in a backlog. Delivery is at least once: history
// filters duplicates when a task is started.
// Cadence: service/matching/handler/engine.go
import {
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  TaskListKind,
  type TaskList as TaskListMessage,
  TaskListType,
} from '@antiphon/proto';
import { stickyWorkerUnavailable, unavailable } from '#base';
import type { DomainCache } from '#domains';
import type { Env } from '#env';
import type { TaskListStore } from '#persistence';
import {
  type CallOptions,
  encodeQueryTaskToken,
  type HistoryClient,
  type MatchingClient,
  type WithHistory,
} from '#rpc';
import { describeLoaded, describeUnloaded } from './describe-task-list.ts';
import { createMatchingMetrics, type MatchingMetrics } from './metrics.ts';
import { DEFAULT_MATCHING_OPTIONS, type MatchingOptions } from './options.ts';
import type { NewTask, PendingQuery, PendingTask } from './pending-work.ts';
import { QueryDesk } from './query-desk.ts';
import { type DeliveryDeps, startTask } from './task-delivery.ts';
import type { TaskList } from './task-list.ts';
import { TaskListRegistry } from './task-list-registry.ts';

export interface MatchingDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  /** Late bound: history and matching call each other. */
  readonly history: () => HistoryClient;
  readonly domains: DomainCache;
}

export interface MatchingService extends MatchingClient {
  start(): void;
  /** Answers all polls, refuses what is unmatched, stores ack levels. */
  stop(): Promise<void>;
}

type AddRequest = Parameters<MatchingClient['addDecisionTask']>[0];
type DecisionPoll = Parameters<MatchingClient['pollForDecisionTask']>[0];
type ActivityPoll = Parameters<MatchingClient['pollForActivityTask']>[0];

const { TASK_LIST_TYPE_DECISION: DECISION, TASK_LIST_TYPE_ACTIVITY: ACTIVITY } = TaskListType;

class Matching implements MatchingService {
  readonly #deps: MatchingDeps;
  readonly #options: MatchingOptions;
  readonly #metrics: MatchingMetrics;
  readonly #lists: TaskListRegistry;
  readonly #queries: QueryDesk;
  #unsubscribe: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: MatchingDeps, options: MatchingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#metrics = createMatchingMetrics(deps.env);
    this.#lists = new TaskListRegistry({ ...deps, metrics: this.#metrics }, options);
    this.#queries = new QueryDesk(deps.env, options);
  }

  start(): void {
    this.#unsubscribe ??= this.#deps.domains.onChange((_before, after) => {
      if (!after.isActiveHere) return;
      for (const list of this.#lists.ofDomain(after.id)) list.pump();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unsubscribe?.();
    await this.#lists.closeAll();
  }

  addDecisionTask(task: AddRequest): Promise<void> {
    return this.#add(task, DECISION);
  }

  addActivityTask(task: AddRequest): Promise<void> {
    return this.#add(task, ACTIVITY);
  }

  async pollForDecisionTask(
    poll: DecisionPoll,
    options: CallOptions,
  ): Promise<WithHistory<PollForDecisionTaskResponse>> {
    const startedMs = this.#deps.env.clock.monotonicMs();
    const list = await this.#list(poll.domainId, poll.taskList, DECISION);
    list.pollers.record(poll.identity, list.ratePerSecond, this.#deps.env.clock.nowMs());
    const task = await this.#nextDelivery(list, options, (pending) =>
      this.#startDecision(list, pending, poll, options),
    );
    const autoConfigHint = this.#autoConfigHint(startedMs);
    if (task === undefined) {
      return { response: PollForDecisionTaskResponse.fromPartial({ autoConfigHint }), historyBlobs: [] };
    }
    const backlogCountHint = BigInt(list.backlogCount);
    return { ...task, response: { ...task.response, backlogCountHint, autoConfigHint } };
  }

  async pollForActivityTask(poll: ActivityPoll, options: CallOptions): Promise<PollForActivityTaskResponse> {
    const startedMs = this.#deps.env.clock.monotonicMs();
    const list = await this.#list(poll.domainId, poll.taskList, ACTIVITY);
    if (poll.maxTasksPerSecond !== undefined) list.limitRate(poll.maxTasksPerSecond);
    list.pollers.record(poll.identity, list.ratePerSecond, this.#deps.env.clock.nowMs());
    const response = await this.#nextDelivery(list, options, async (pending) => {
      if (pending.kind === 'query') return undefined;
      const { task } = pending;
      const ref = { ...runOf(list, task), scheduleId: task.scheduleId, attempt: task.attempt };
      return startTask(this.#delivery, list, pending, options.signal, async (requestId) => {
        const reply = await this.#deps.history().recordActivityTaskStarted(ref, { requestId, identity: poll.identity });
        return reply.task;
      });
    });
    const autoConfigHint = this.#autoConfigHint(startedMs);
    return response === undefined
      ? PollForActivityTaskResponse.fromPartial({ autoConfigHint })
      : { ...response, autoConfigHint };
  }

  async queryWorkflow(
    request: Parameters<MatchingClient['queryWorkflow']>[0],
    options: CallOptions,
  ): ReturnType<MatchingClient['queryWorkflow']> {
    const list = await this.#list(request.run.domainId, request.taskList, DECISION, 'only with a worker');
    if (list.isSticky && !list.hasPollerWithin(this.#options.stickyPollerWindowMs)) throw stickyWorkerUnavailable();
    return this.#queries.ask(list, request, options);
  }

  async respondQueryTaskCompleted(
    task: Parameters<MatchingClient['respondQueryTaskCompleted']>[0],
    result: Parameters<MatchingClient['respondQueryTaskCompleted']>[1],
  ): Promise<void> {
    this.#queries.answer(task, result);
  }

  async describeTaskList(
    request: Parameters<MatchingClient['describeTaskList']>[0],
  ): ReturnType<MatchingClient['describeTaskList']> {
    const { domainId, taskList, type, includeStatus } = request;
    const isSticky = taskList.kind === TaskListKind.TASK_LIST_KIND_STICKY;
    const list =
      this.#lists.find(domainId, taskList.name, type, isSticky) ??
      this.#lists.find(domainId, taskList.name, type, !isSticky);
    if (list !== undefined) return describeLoaded(this.#deps.env, list, includeStatus);
    const key = { domainId, name: taskList.name, type };
    return describeUnloaded(this.#deps.store, key, taskList.kind, includeStatus);
  }

  async listTaskLists(domainId: string): ReturnType<MatchingClient['listTaskLists']> {
    const lists = this.#lists.ofDomain(domainId);
    const described = (type: TaskListType) =>
      Object.fromEntries(
        lists
          .filter((list) => list.key.type === type && !list.isSticky)
          .map((list) => [list.key.name, describeLoaded(this.#deps.env, list, true)]),
      );
    return { decision: described(DECISION), activity: described(ACTIVITY) };
  }

  get #delivery(): DeliveryDeps {
    return { env: this.#deps.env, options: this.#options, metrics: this.#metrics };
  }

  async #add(request: AddRequest, type: TaskListType): Promise<void> {
    const list = await this.#list(request.domainId, request.taskList, type, 'only with a worker');
    const nowMs = this.#deps.env.clock.nowMs();
    const task: NewTask = {
      workflowId: request.workflowId,
      runId: request.runId,
      scheduleId: request.scheduleId,
      attempt: request.attempt,
      createdMs: nowMs,
      expiresMs: request.scheduleToStartMs > 0 ? nowMs + request.scheduleToStartMs : 0,
      // One place for both in the row, until a scheduler that uses them is built: today the order is first come, first served.
      priority: 0,
      fairnessKey: '',
    };
    return list.add(task);
  }

  /** `only with a worker`: a sticky list that is not here has no poller, so it is not made. */
  async #list(
    domainId: string,
    taskList: TaskListMessage,
    type: TaskListType,
    sticky: 'make' | 'only with a worker' = 'make',
  ): Promise<TaskList> {
    const { domains } = this.#deps;
    if (this.#isStopped) throw unavailable('Shutting down');
    if (domains.peekById(domainId) === undefined) await domains.byId(domainId);
    const isSticky = taskList.kind === TaskListKind.TASK_LIST_KIND_STICKY;
    if (isSticky && sticky === 'only with a worker') {
      const list = this.#lists.find(domainId, taskList.name, type, true);
      if (list === undefined) throw stickyWorkerUnavailable();
      return list;
    }
    return this.#lists.findOrCreate(domainId, taskList.name, type, taskList.kind);
  }

  /** Takes matches until one is delivered or the poll's time is over. */
  async #nextDelivery<T>(
    list: TaskList,
    options: CallOptions,
    deliver: (match: PendingTask | PendingQuery) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { clock } = this.#deps.env;
    const { pollWaitMsMax, pollDeadlineMarginMs } = this.#options;
    const deadlineMs = (options.deadlineMs ?? Number.POSITIVE_INFINITY) - pollDeadlineMarginMs;
    const wait = { untilMs: Math.min(clock.nowMs() + pollWaitMsMax, deadlineMs), signal: options.signal };
    for (;;) {
      const match = await list.poll(wait);
      if (match === undefined) {
        this.#metrics.emptyPolls.inc();
        return undefined;
      }
      const delivered = await deliver(match);
      if (delivered !== undefined) return delivered;
      if (clock.nowMs() >= wait.untilMs) return undefined;
    }
  }

  async #startDecision(
    list: TaskList,
    match: PendingTask | PendingQuery,
    poll: DecisionPoll,
    options: CallOptions,
  ): Promise<WithHistory<PollForDecisionTaskResponse> | undefined> {
    if (match.kind === 'query') return this.#deliverQuery(list, match, options.signal);
    const ref = { ...runOf(list, match.task), scheduleId: match.task.scheduleId };
    return startTask(this.#delivery, list, match, options.signal, async (requestId) => {
      const request = { requestId, identity: poll.identity, taskList: poll.taskList };
      const reply = await this.#deps.history().recordDecisionTaskStarted(ref, request);
      return reply.task;
    });
  }

  /** Nothing changes in history, so a query whose poll is gone simply goes to the next one. */
  async #deliverQuery(
    list: TaskList,
    query: PendingQuery,
    signal: AbortSignal | undefined,
  ): Promise<WithHistory<PollForDecisionTaskResponse> | undefined> {
    if (!signal?.aborted && this.#queries.isPending(query)) {
      try {
        const task = await this.#deps.history().getQueryTask(query.run, { withHistory: !query.isSticky });
        if (!signal?.aborted) return this.#queries.isPending(query) ? queryTask(query, task) : undefined;
      } catch (error) {
        query.answer.reject(error);
        return undefined;
      }
    }
    if (this.#queries.isPending(query)) list.returnQuery(query);
    return undefined;
  }

  #autoConfigHint(startedMs: number): { enableAutoConfig: boolean; pollerWaitTimeInMs: bigint } {
    const waitedMs = Math.round(this.#deps.env.clock.monotonicMs() - startedMs);
    return { enableAutoConfig: false, pollerWaitTimeInMs: BigInt(waitedMs) };
  }
}

function queryTask(
  query: PendingQuery,
  task: WithHistory<PollForDecisionTaskResponse>,
): WithHistory<PollForDecisionTaskResponse> {
  const { domainId, workflowId } = query.run;
  const runId = task.response.workflowExecution?.runId ?? query.run.runId;
  const token = encodeQueryTaskToken({
    domainId,
    workflowId,
    runId,
    taskList: query.taskListName,
    taskId: query.taskId,
  });
  return { ...task, response: { ...task.response, taskToken: token, query: query.query } };
}

const runOf = (list: TaskList, task: NewTask): { domainId: string; workflowId: string; runId: string } => ({
  domainId: list.key.domainId,
  workflowId: task.workflowId,
  runId: task.runId,
});

export function createMatchingService(deps: MatchingDeps, options: Partial<MatchingOptions> = {}): MatchingService {
  return new Matching(deps, { ...DEFAULT_MATCHING_OPTIONS, ...options });
}
