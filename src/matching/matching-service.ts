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
import { badRequest, ServiceError, stickyWorkerUnavailable, unavailable } from '#base';
import { DEFAULT_TASK_PRIORITY, isActiveHereForSome } from '#core';
import type { DomainCache } from '#domains';
import type { Env } from '#env';
import type { KeyValueStore, TaskListKey, TaskListStore } from '#persistence';
import {
  type CallOptions,
  encodeQueryTaskToken,
  type HistoryClient,
  type MatchingClient,
  type WithHistory,
} from '#rpc';
import { describeLoaded, describeUnloaded } from './describe-task-list.ts';
import { createMatchingMetrics, type MatchingMetrics } from './metrics.ts';
import { DEFAULT_MATCHING_OPTIONS, type ListSettingsLookup, type MatchingOptions } from './options.ts';
import { OutstandingPolls } from './outstanding-polls.ts';
import { baseNameOf, PARTITION_PREFIX, partitionName } from './partitions.ts';
import type { NewTask, PendingQuery, PendingTask } from './pending-work.ts';
import { QueryDesk } from './query-desk.ts';
import { type DeliveryDeps, startTask } from './task-delivery.ts';
import type { TaskList } from './task-list.ts';
import { TaskListRegistry } from './task-list-registry.ts';

export interface MatchingDeps {
  readonly env: Env;
  readonly store: TaskListStore;
  /** For what operators set of task lists. */
  readonly keyValues: KeyValueStore;
  /** Late bound: history and matching call each other. */
  readonly history: () => HistoryClient;
  readonly domains: DomainCache;
  /** Zones whose workers are being drained, by domain. Without it, none. */
  readonly isolationGroups?: IsolationLookup | undefined;
  /** Dynamic config of lists; without it, the defaults. */
  readonly listSettings?: ListSettingsLookup | undefined;
  /** Undefined: every list is this host's. */
  readonly placement?: ListPlacement | undefined;
}

/** Which task lists this host serves, when there are others. All partitions of a list are where the list is. */
export interface ListPlacement {
  isMine(domainId: string, baseName: string, type: TaskListType): boolean;
  onChange(listener: () => void): () => void;
}

export interface IsolationLookup {
  isDrained(domainId: string, isolationGroup: string): boolean;
  /** False for a name that is no zone of this cluster. */
  isKnown(isolationGroup: string): boolean;
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
  readonly #polls = new OutstandingPolls();
  #unsubscribes: (() => void)[] = [];
  #isStopped = false;

  constructor(deps: MatchingDeps, options: MatchingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#metrics = createMatchingMetrics(deps.env);
    const { env, store, keyValues, domains, listSettings, isolationGroups } = deps;
    const isDrained = (domainId: string, group: string): boolean =>
      isolationGroups?.isDrained(domainId, group) ?? false;
    this.#lists = new TaskListRegistry(
      { env, store, keyValues, domains, listSettings, isDrained, metrics: this.#metrics },
      options,
    );
    this.#queries = new QueryDesk(deps.env, options);
  }

  start(): void {
    if (this.#unsubscribes.length > 0) return;
    const { domains, placement } = this.#deps;
    // What waits in a list that is another host's now is told so, and comes again there.
    if (placement !== undefined) {
      this.#unsubscribes.push(placement.onChange(() => this.#lists.closeAllBut((list) => this.#isMine(list.key))));
    }
    const unsubscribe = domains.onChange((_before, after) => {
      if (!isActiveHereForSome(after)) return;
      for (const list of this.#lists.ofDomain(after.id)) list.pump();
    });
    this.#unsubscribes.push(unsubscribe);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    await this.#lists.closeAll();
  }

  addDecisionTask(task: AddRequest): Promise<void> {
    return this.#add(task, DECISION);
  }

  addActivityTask(task: AddRequest): Promise<void> {
    return this.#add(task, ACTIVITY);
  }

  pollForDecisionTask(poll: DecisionPoll, caller: CallOptions): Promise<WithHistory<PollForDecisionTaskResponse>> {
    if (caller.isOfAnotherHost !== true) return this.#pollForDecisionTask(poll, caller);
    return this.#polls.run(poll.pollerId, caller, (options) => this.#pollForDecisionTask(poll, options));
  }

  pollForActivityTask(poll: ActivityPoll, caller: CallOptions): Promise<PollForActivityTaskResponse> {
    if (caller.isOfAnotherHost !== true) return this.#pollForActivityTask(poll, caller);
    return this.#polls.run(poll.pollerId, caller, (options) => this.#pollForActivityTask(poll, options));
  }

  async cancelOutstandingPoll({ pollerId }: { readonly pollerId: string }): Promise<void> {
    this.#polls.cancel(pollerId);
  }

  async #pollForDecisionTask(
    poll: DecisionPoll,
    options: CallOptions,
  ): Promise<WithHistory<PollForDecisionTaskResponse>> {
    const startedMs = this.#deps.env.clock.monotonicMs();
    const root = await this.#list(poll.domainId, poll.taskList, DECISION);
    const group = root.settings.isIsolated && !root.isSticky ? this.#zone(poll.isolationGroup) : '';
    const list = this.#polled(root, poll, group, undefined);
    const task = await this.#nextDelivery(list, group, options, (pending) =>
      this.#startDecision(pending, poll, options),
    );
    const autoConfigHint = this.#autoConfigHint(startedMs);
    if (task === undefined) {
      return { response: PollForDecisionTaskResponse.fromPartial({ autoConfigHint }), historyBlobs: [] };
    }
    task.response.backlogCountHint = BigInt(list.backlogCount);
    task.response.autoConfigHint = autoConfigHint;
    return task;
  }

  async #pollForActivityTask(poll: ActivityPoll, options: CallOptions): Promise<PollForActivityTaskResponse> {
    const startedMs = this.#deps.env.clock.monotonicMs();
    const root = await this.#list(poll.domainId, poll.taskList, ACTIVITY);
    const group = root.settings.isIsolated ? this.#zone(poll.isolationGroup) : '';
    const list = this.#polled(root, poll, group, poll.maxTasksPerSecond);
    const response = await this.#nextDelivery(list, group, options, async (pending) => {
      if (pending.kind === 'query') return undefined;
      const { task } = pending;
      const ref = { ...runOf(pending), scheduleId: task.scheduleId, attempt: task.attempt };
      return startTask(this.#delivery, pending, options.signal, async (requestId) => {
        const reply = await this.#deps.history().recordActivityTaskStarted(ref, { requestId, identity: poll.identity });
        return reply.task;
      });
    });
    const autoConfigHint = this.#autoConfigHint(startedMs);
    if (response === undefined) return PollForActivityTaskResponse.fromPartial({ autoConfigHint });
    response.autoConfigHint = autoConfigHint;
    return response;
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
    if (list !== undefined) {
      const response = describeLoaded(this.#deps.env, list, includeStatus);
      if (isPartitioned(list)) {
        const partitions = this.#lists.partitionsOf(list);
        await partitions.load();
        response.partitionConfig = partitions.config;
      }
      return response;
    }
    const key = { domainId, name: taskList.name, type };
    return describeUnloaded(this.#deps.store, key, taskList.kind, includeStatus);
  }

  async listTaskLists(domainId: string): ReturnType<MatchingClient['listTaskLists']> {
    const lists = this.#lists.ofDomain(domainId);
    const described = (type: TaskListType) =>
      Object.fromEntries(
        lists
          .filter((list) => list.key.type === type && !list.isSticky && !list.key.name.startsWith(PARTITION_PREFIX))
          .map((list) => [list.key.name, describeLoaded(this.#deps.env, list, true)]),
      );
    return { decision: described(DECISION), activity: described(ACTIVITY) };
  }

  async listPartitions(
    request: Parameters<MatchingClient['listPartitions']>[0],
  ): ReturnType<MatchingClient['listPartitions']> {
    const { domainId, taskList, type } = request;
    const list = await this.#list(domainId, taskList, type);
    if (!isPartitioned(list)) return [list.key.name];
    const partitions = this.#lists.partitionsOf(list);
    await partitions.load();
    return Array.from({ length: partitions.readCount }, (_, index) => partitionName(list.key.name, index));
  }

  async updatePartitions({
    domainId,
    taskList,
    type,
    config,
  }: Parameters<MatchingClient['updatePartitions']>[0]): Promise<void> {
    const list = await this.#list(domainId, taskList, type);
    if (!isPartitioned(list)) throw badRequest("Only normal tasklist's partition config can be updated.");
    await this.#lists.partitionsOf(list).update(config);
  }

  get #delivery(): DeliveryDeps {
    return { env: this.#deps.env, options: this.#options, metrics: this.#metrics };
  }

  async #add(request: AddRequest, type: TaskListType): Promise<void> {
    const root = await this.#list(request.domainId, request.taskList, type, 'only with a worker');
    const isolationGroup = root.settings.isIsolated ? this.#zone(request.isolationGroup) : '';
    const list = isPartitioned(root)
      ? this.#lists.partition(root, this.#lists.partitionsOf(root).pickWrite(isolationGroup))
      : root;
    const nowMs = this.#deps.env.clock.nowMs();
    const { priority, fairnessKey, fairnessWeight } = request.priority ?? DEFAULT_TASK_PRIORITY;
    const task: NewTask = {
      workflowId: request.workflowId,
      runId: request.runId,
      scheduleId: request.scheduleId,
      attempt: request.attempt,
      createdMs: nowMs,
      expiresMs: request.scheduleToStartMs > 0 ? nowMs + request.scheduleToStartMs : 0,
      priority,
      fairnessKey,
      fairnessWeight,
      isolationGroup: list.isSticky ? '' : isolationGroup,
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
    if (!this.#isMine({ domainId, name: taskList.name, type })) throw listElsewhere(taskList.name);
    const isSticky = taskList.kind === TaskListKind.TASK_LIST_KIND_STICKY;
    if (isSticky && sticky === 'only with a worker') {
      const list = this.#lists.find(domainId, taskList.name, type, true);
      if (list === undefined) throw stickyWorkerUnavailable();
      return list;
    }
    return this.#lists.findOrCreate(domainId, taskList.name, type, taskList.kind);
  }

  #isMine({ domainId, name, type }: TaskListKey): boolean {
    return this.#deps.placement?.isMine(domainId, baseNameOf(name), type as TaskListType) ?? true;
  }

  /** The partition that the poll looks at first. */
  #polled(root: TaskList, poll: DecisionPoll | ActivityPoll, group: string, rate: number | undefined): TaskList {
    const nowMs = this.#deps.env.clock.nowMs();
    const { identity, isolationGroup = '' } = poll;
    let list = root;
    if (isPartitioned(root)) {
      const partitions = this.#lists.partitionsOf(root);
      list = this.#lists.partition(root, partitions.pickRead(group));
      if (rate !== undefined) {
        const rateEach = rate / partitions.readCount;
        root.limitRate(rateEach);
        for (const member of root.family?.members ?? []) if (member !== root) member.limitRate(rateEach);
      }
      if (list !== root) list.pollers.record(identity, list.ratePerSecond, nowMs, isolationGroup);
    } else if (rate !== undefined) root.limitRate(rate);
    root.pollers.record(identity, root.ratePerSecond, nowMs, isolationGroup);
    return list;
  }

  #zone(isolationGroup: string | undefined): string {
    if (!isolationGroup) return '';
    return this.#deps.isolationGroups?.isKnown(isolationGroup) === false ? '' : isolationGroup;
  }

  /** Takes matches until one is delivered or the poll's time is over. */
  async #nextDelivery<T>(
    list: TaskList,
    isolationGroup: string,
    options: CallOptions,
    deliver: (match: PendingTask | PendingQuery) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { clock } = this.#deps.env;
    const { pollWaitMsMax, pollDeadlineMarginMs } = this.#options;
    const deadlineMs = (options.deadlineMs ?? Number.POSITIVE_INFINITY) - pollDeadlineMarginMs;
    const waitMs = Math.min(list.settings.pollWaitMs, pollWaitMsMax);
    const untilMs = Math.min(clock.nowMs() + waitMs, deadlineMs);
    const wait = { untilMs, signal: options.signal, isolationGroup };
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
    match: PendingTask | PendingQuery,
    poll: DecisionPoll,
    options: CallOptions,
  ): Promise<WithHistory<PollForDecisionTaskResponse> | undefined> {
    if (match.kind === 'query') return this.#deliverQuery(match, options.signal);
    const ref = { ...runOf(match), scheduleId: match.task.scheduleId };
    return startTask(this.#delivery, match, options.signal, async (requestId) => {
      const request = { requestId, identity: poll.identity, taskList: poll.taskList };
      const reply = await this.#deps.history().recordDecisionTaskStarted(ref, request);
      return reply.task;
    });
  }

  /** Nothing changes in history, so a query whose poll is gone simply goes to the next one. */
  async #deliverQuery(
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
    if (this.#queries.isPending(query)) query.owner.returnQuery(query);
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

const runOf = ({ owner, task }: PendingTask): { domainId: string; workflowId: string; runId: string } => ({
  domainId: owner.key.domainId,
  workflowId: task.workflowId,
  runId: task.runId,
});

/** Nothing was done: the caller asks the owner. */
const listElsewhere = (name: string): ServiceError =>
  new ServiceError('ShardOwnershipLost', `task list ${name} is not owned by this host`);

/** Only normal lists have partitions; a caller that names one means just that one. */
const isPartitioned = (list: TaskList): boolean =>
  list.kind === TaskListKind.TASK_LIST_KIND_NORMAL && !list.key.name.startsWith(PARTITION_PREFIX);

export function createMatchingService(deps: MatchingDeps, options: Partial<MatchingOptions> = {}): MatchingService {
  return new Matching(deps, { ...DEFAULT_MATCHING_OPTIONS, ...options });
}
