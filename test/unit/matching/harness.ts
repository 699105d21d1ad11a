// A matching service on a memory store and virtual time, with a history that knows only which tasks were started and by whom.
import {
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  TaskList,
  TaskListKind,
  WorkflowExecution,
} from '@antiphon/proto';
import { EntityNotExistsError, eventAlreadyStarted } from '#base';
import { createDomainCache, type DomainCache } from '#domains';
import { createSimulatedEnv, type Env, type SimulatedEnv } from '#env';
import { createMatchingService, type MatchingDeps, type MatchingOptions, type MatchingService } from '#matching';
import type { Store } from '#persistence';
import { createMemoryStore, type MemoryStore } from '#persistence/memory';
import type { HistoryClient, WithHistory } from '#rpc';
import { domainRecord, GROUP } from '../domains/records.ts';

export const DOMAIN_ID = 'domain-1';
export const CALLER = { clientImpl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1' };

export interface FakeHistory {
  readonly client: HistoryClient;
  /** Tasks that exist and are not started; by run id. */
  readonly pending: Set<string>;
  /** By run id: the request that started it. */
  readonly startedBy: Map<string, string>;
  /** How often each run's start was answered with success to a distinct call. */
  readonly answers: string[];
  calls: number;
  /** Throw from here to make a start fail; called before anything happens. */
  before: (runId: string, requestId: string, identity: string) => Promise<void> | void;
  /** Called after the start took effect, before the answer. */
  after: (runId: string) => Promise<void> | void;
}

interface StartRequest {
  readonly requestId: string;
  readonly identity: string;
}

export function createFakeHistory(): FakeHistory {
  const started = async (runId: string, request: StartRequest): Promise<void> => {
    const { requestId, identity } = request;
    history.calls++;
    await history.before(runId, requestId, identity);
    const by = history.startedBy.get(runId);
    if (by === undefined) {
      if (!history.pending.has(runId)) throw new EntityNotExistsError('Workflow execution not found.');
      history.pending.delete(runId);
      history.startedBy.set(runId, requestId);
    } else if (by !== requestId) throw eventAlreadyStarted('Decision task already started.');
    await history.after(runId);
    history.answers.push(runId);
  };
  const execution = (run: { workflowId: string; runId: string }): WorkflowExecution =>
    WorkflowExecution.fromPartial({ workflowId: run.workflowId, runId: run.runId });
  const client = {
    async recordDecisionTaskStarted(
      task: { workflowId: string; runId: string },
      request: StartRequest,
    ): Promise<{ task: WithHistory<PollForDecisionTaskResponse> }> {
      await started(task.runId, request);
      const response = PollForDecisionTaskResponse.fromPartial({
        taskToken: Buffer.from(task.runId),
        workflowExecution: execution(task),
      });
      return { task: { response, historyBlobs: [] } };
    },
    async recordActivityTaskStarted(
      task: { workflowId: string; runId: string },
      request: StartRequest,
    ): Promise<{ task: PollForActivityTaskResponse }> {
      await started(task.runId, request);
      return {
        task: PollForActivityTaskResponse.fromPartial({
          taskToken: Buffer.from(task.runId),
          workflowExecution: execution(task),
        }),
      };
    },
    async getQueryTask(
      run: { workflowId: string; runId: string },
      options: { withHistory: boolean },
    ): Promise<WithHistory<PollForDecisionTaskResponse>> {
      const response = PollForDecisionTaskResponse.fromPartial({ workflowExecution: execution(run) });
      return { response, historyBlobs: options.withHistory ? [Buffer.from('history')] : [] };
    },
  };
  const history: FakeHistory = {
    // Matching calls only these three.
    client: client as unknown as HistoryClient,
    pending: new Set(),
    startedBy: new Map(),
    answers: [],
    calls: 0,
    before: () => {},
    after: () => {},
  };
  return history;
}

export interface Harness {
  readonly env: SimulatedEnv;
  readonly store: MemoryStore;
  readonly domains: DomainCache;
  readonly history: FakeHistory;
  readonly matching: MatchingService;
}

export async function createHarness(
  options: Partial<MatchingOptions> = {},
  parts: {
    activeCluster?: string;
    wrap?: (store: MemoryStore) => Store;
    env?: SimulatedEnv;
    lookups?: Pick<MatchingDeps, 'isolationGroups' | 'listSettings'>;
  } = {},
): Promise<Harness> {
  const env = parts.env ?? createSimulatedEnv({ seed: 1 });
  const store = createMemoryStore();
  const history = createFakeHistory();
  const record = domainRecord({ id: DOMAIN_ID, name: 'orders', activeCluster: parts.activeCluster ?? 'a' });
  await store.domains.createDomain(record);
  const domains = createDomainCache({ env, store: store.domains, clusters: GROUP });
  await domains.byId(DOMAIN_ID);
  const matching = startMatching(env, parts.wrap?.(store) ?? store, domains, history, options, parts.lookups);
  return { env, store, domains, history, matching };
}

export function startMatching(
  env: Env,
  store: Store,
  domains: DomainCache,
  history: FakeHistory,
  options: Partial<MatchingOptions> = {},
  lookups: Pick<MatchingDeps, 'isolationGroups' | 'listSettings'> = {},
): MatchingService {
  const deps = {
    env,
    store: store.taskLists,
    keyValues: store.keyValues,
    history: () => history.client,
    domains,
    ...lookups,
  };
  const matching = createMatchingService(deps, { syncMatchWaitMs: 10, ...options });
  matching.start();
  return matching;
}

export const listOf = (name = 'list', kind: TaskListKind = TaskListKind.TASK_LIST_KIND_NORMAL): TaskList =>
  TaskList.fromPartial({ name, kind });

export const sticky = (name = 'sticky'): TaskList => listOf(name, TaskListKind.TASK_LIST_KIND_STICKY);

export const taskOf = (runId: string, taskList = listOf(), scheduleToStartMs = 0) => ({
  domainId: DOMAIN_ID,
  workflowId: `wf-${runId}`,
  runId,
  scheduleId: 2,
  attempt: 0,
  taskList,
  scheduleToStartMs,
});

export const decisionPoll = (taskList = listOf(), identity = 'worker') => ({
  domainId: DOMAIN_ID,
  taskList,
  identity,
  pollerId: 'p',
  caller: CALLER,
});

/** Adds a task that history knows as waiting to be started. */
export function addDecision(h: Harness, runId: string, taskList = listOf(), scheduleToStartMs = 0): Promise<void> {
  h.history.pending.add(runId);
  return h.matching.addDecisionTask(taskOf(runId, taskList, scheduleToStartMs));
}

export const runIdOf = (polled: WithHistory<PollForDecisionTaskResponse>): string =>
  polled.response.workflowExecution?.runId ?? '';
