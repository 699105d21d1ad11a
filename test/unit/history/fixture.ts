// One region's history service in virtual time, on the memory store, with the real domain cache and a matching service that only keeps what it
// is given (another service's double). `restart` opens a new service on what was durable; `advance` moves time.
import {
  ArchivalStatus,
  type Decision,
  DomainStatus,
  History,
  type HistoryEvent,
  StartWorkflowExecutionRequest,
  TaskListKind,
  type WorkflowQueryResult,
} from '@antiphon/proto';
import { DomainRecord } from '@antiphon/proto/internal';
import { type ClusterGroup, DEFAULT_LIMITS, type Limits } from '#core';
import { createDomainCache } from '#domains';
import { createSimulatedEnv, type SimulatedEnv } from '#env';
import { createHistoryService, type HistoryDeps, type HistoryOptions, type HistoryService } from '#history';
import { type FaultPlan, type Store, withFaults } from '#persistence';
import { createMemoryStore, type MemoryImage, type MemoryStore } from '#persistence/memory';
import type { MatchingClient } from '#rpc';
import { createMemoryVisibility } from '#visibility';

export const CLUSTERS: ClusterGroup = {
  currentCluster: 'a',
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 1, rpcAddress: '' },
    b: { enabled: true, initialFailoverVersion: 2, rpcAddress: 'b:7833' },
  },
};

export const DOMAIN = 'domain-id';
const RETENTION_SECONDS = 86_400n;

type DecisionTask = Parameters<MatchingClient['addDecisionTask']>[0];
type ActivityTask = Parameters<MatchingClient['addActivityTask']>[0];
type Query = Parameters<MatchingClient['queryWorkflow']>[0];

const refuse = (): Promise<never> => Promise.reject(new Error('not part of this test'));

/** Keeps tasks; tests take them as a worker would. */
export class MatchingDouble implements MatchingClient {
  decisions: DecisionTask[] = [];
  activities: ActivityTask[] = [];
  queries: Query[] = [];
  onDecision: (task: DecisionTask) => Promise<void> = async () => {};
  onQuery: (query: Query) => ReturnType<MatchingClient['queryWorkflow']> = refuse;

  async addDecisionTask(task: DecisionTask): Promise<void> {
    await this.onDecision(task);
    this.decisions.push(task);
  }

  async addActivityTask(task: ActivityTask): Promise<void> {
    this.activities.push(task);
  }

  queryWorkflow(query: Query): ReturnType<MatchingClient['queryWorkflow']> {
    this.queries.push(query);
    return this.onQuery(query);
  }

  pollForDecisionTask = refuse;
  pollForActivityTask = refuse;
  cancelOutstandingPoll = refuse;
  respondQueryTaskCompleted = refuse;
  describeTaskList = refuse;
  listTaskLists = refuse;
  listPartitions = refuse;
  updatePartitions = refuse;
}

export interface Region {
  readonly env: SimulatedEnv;
  readonly image: MemoryImage;
  readonly store: MemoryStore;
  readonly history: HistoryService;
  readonly matching: MatchingDouble;
  readonly visibility: ReturnType<typeof createMemoryVisibility>;
  readonly limits: { value: Limits };
  /** The process dies and another one starts on what was durable. */
  restart(): Promise<Region>;
  /** Rewrites the domain record: a failover. */
  failover(activeCluster: string, failoverVersion: number): Promise<void>;
  advance(ms?: number): Promise<void>;
  /** Awaits a call while virtual time goes on. */
  settled<T>(call: Promise<T>): Promise<T>;
}

export interface RegionSetup {
  readonly env?: SimulatedEnv;
  readonly image?: MemoryImage;
  readonly options?: Partial<HistoryOptions>;
  readonly faults?: FaultPlan['decide'];
  readonly isGlobal?: boolean;
  readonly activeCluster?: string;
  readonly failoverVersion?: number;
  readonly archives?: boolean;
  readonly deps?: Partial<HistoryDeps>;
  readonly visibility?: ReturnType<typeof createMemoryVisibility>;
}

export function domainRecord(setup: RegionSetup): DomainRecord {
  return DomainRecord.fromPartial({
    domain: {
      id: DOMAIN,
      name: 'shop',
      status: DomainStatus.DOMAIN_STATUS_REGISTERED,
      activeClusterName: setup.activeCluster ?? 'a',
      clusters: [{ clusterName: 'a' }, { clusterName: 'b' }],
      isGlobalDomain: setup.isGlobal ?? false,
      failoverVersion: BigInt(setup.failoverVersion ?? 1),
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS, nanos: 0 },
      historyArchivalStatus: setup.archives
        ? ArchivalStatus.ARCHIVAL_STATUS_ENABLED
        : ArchivalStatus.ARCHIVAL_STATUS_DISABLED,
      historyArchivalUri: setup.archives ? 'file:///archive' : '',
    },
  });
}

export async function openRegion(setup: RegionSetup = {}): Promise<Region> {
  const env = setup.env ?? createSimulatedEnv({ seed: 1 });
  const store = createMemoryStore(env, setup.image);
  const faulty: Store =
    setup.faults === undefined ? store : withFaults(store, { decide: setup.faults, scheduler: env.scheduler });
  const matching = new MatchingDouble();
  const visibility = setup.visibility ?? createMemoryVisibility(env);
  const limits = { value: DEFAULT_LIMITS };
  const domains = createDomainCache({ env, store: store.domains, clusters: CLUSTERS }, { archivalDelayMs: 60_000 });
  if (setup.image === undefined) {
    const created = store.domains.createDomain(domainRecord(setup));
    await env.advance(0);
    domains.put(await created);
  } else {
    await domains.byId(DOMAIN);
  }
  const history = createHistoryService(
    {
      env,
      store: faulty,
      visibility,
      domains,
      clusters: CLUSTERS,
      limits: () => limits.value,
      matching,
      host: 'host-1',
      ...setup.deps,
    },
    { shardCount: 2, ...setup.options },
  );
  const starting = history.start();
  await env.advance(0);
  await starting;
  await env.advance(10);
  const region: Region = {
    env,
    image: store.image,
    store,
    history,
    matching,
    visibility,
    limits,
    async restart() {
      store.crash();
      return openRegion({ ...setup, env, image: store.image, visibility });
    },
    async failover(activeCluster, failoverVersion) {
      const record = await domains.record(DOMAIN);
      const next = domainRecord({ ...setup, activeCluster, failoverVersion });
      const updated = store.domains.updateDomain(next, record.notificationVersion);
      await env.advance(0);
      domains.put(await updated);
    },
    async advance(ms = 5) {
      await env.advance(ms);
    },
    async settled(call) {
      let isOver = false;
      const over = (): void => {
        isOver = true;
      };
      call.then(over, over);
      for (let turn = 0; turn < 2_000 && !isOver; turn++) await env.advance(turn < 50 ? 1 : 50);
      return call;
    },
  };
  return region;
}

export function startRequest(fields: Partial<StartWorkflowExecutionRequest> = {}): StartWorkflowExecutionRequest {
  return StartWorkflowExecutionRequest.fromPartial({
    domain: 'shop',
    workflowId: 'order-1',
    workflowType: { name: 'Order' },
    taskList: { name: 'orders', kind: TaskListKind.TASK_LIST_KIND_NORMAL },
    executionStartToCloseTimeout: { seconds: 3_600n, nanos: 0 },
    taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
    requestId: 'request-1',
    identity: 'client',
    ...fields,
  });
}

export const start = (region: Region, fields: Partial<StartWorkflowExecutionRequest> = {}) =>
  region.settled(region.history.startWorkflow(startRequest(fields), { domainId: DOMAIN }));

/** Takes the oldest decision task that matching has, starts it. */
export async function pollDecision(region: Region) {
  await region.advance();
  const task = region.matching.decisions.shift();
  if (task === undefined) throw new Error('no decision task');
  const { task: polled } = await region.settled(
    region.history.recordDecisionTaskStarted(task, {
      requestId: region.env.random.uuid(),
      identity: 'worker',
      taskList: task.taskList,
    }),
  );
  return { ref: task, ...polled };
}

export async function complete(
  region: Region,
  task: DecisionTask,
  decisions: Decision[],
  extra: Partial<Parameters<HistoryService['respondDecisionTaskCompleted']>[1]> = {},
) {
  return region.settled(
    region.history.respondDecisionTaskCompleted(task, {
      decisions,
      executionContext: new Uint8Array(0),
      identity: 'worker',
      binaryChecksum: '',
      returnNewDecisionTask: false,
      forceCreateNewDecisionTask: false,
      queryResults: {} as Record<string, WorkflowQueryResult>,
      caller: { clientImpl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1.0.0' },
      ...extra,
    }),
  );
}

export const eventsOf = (blobs: readonly Uint8Array[]): HistoryEvent[] =>
  blobs.flatMap((blob) => History.decode(blob).events);

export const kindsOf = (blobs: readonly Uint8Array[]): string[] =>
  eventsOf(blobs).map(({ attributes }) => attributes?.$case.replace('EventAttributes', '') ?? '');

export async function readHistory(region: Region, workflowId = 'order-1', runId = ''): Promise<string[]> {
  const page = await region.settled(
    region.history.getHistory(
      { domainId: DOMAIN, workflowId, runId },
      { pageSize: 1_000, token: new Uint8Array(0), waitForNewEvent: false, closeEventOnly: false },
    ),
  );
  return kindsOf(page.historyBlobs);
}

export const scheduleActivity = (activityId: string): Decision => ({
  attributes: {
    $case: 'scheduleActivityTaskDecisionAttributes',
    value: {
      activityId,
      activityType: { name: 'Pay' },
      domain: '',
      taskList: { name: 'payments', kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' },
      input: { data: Buffer.from('42') },
      scheduleToCloseTimeout: { seconds: 100n, nanos: 0 },
      scheduleToStartTimeout: { seconds: 50n, nanos: 0 },
      startToCloseTimeout: { seconds: 50n, nanos: 0 },
      heartbeatTimeout: { seconds: 0n, nanos: 0 },
      requestLocalDispatch: false,
    },
  },
});

export const startTimer = (timerId: string, seconds: number): Decision => ({
  attributes: {
    $case: 'startTimerDecisionAttributes',
    value: { timerId, startToFireTimeout: { seconds: BigInt(seconds), nanos: 0 } },
  },
});

export const completeWorkflow = (): Decision => ({
  attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value: { result: { data: Buffer.from('ok') } } },
});
