// A region reduced to what conflict resolution needs: runs in maps, history in the memory store, an NdcHost over both, and the writes of an
// active region through core. Its replication tasks become messages by the real encoder and decoder.
import { type Decision, History, type HistoryEvent, StartWorkflowExecutionRequest } from '@antiphon/proto';
import type { HistoryBranch, ReplicationTask } from '@antiphon/proto/internal';
import { EntityNotExistsError, RetryTaskV2Error, required } from '#base';
import {
  type ClusterGroup,
  createWorkflow,
  currentVersionHistory,
  DEFAULT_LIMITS,
  type DecideContext,
  decide,
  type RunTransition,
  type Transition,
  versionOfEvent,
  type WorkflowState,
} from '#core';
import { type Random, seededRandom } from '#env';
import type { CurrentRun } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import {
  type NdcHost,
  type NdcTransaction,
  type NdcWrites,
  replicateEvents,
  settleRunAfterFailover,
} from '#replication';
import type { HistoryReplicationRequest } from '#rpc';
import { decodeHistoryTask } from '../../../replication/tasks/decode-task.ts';
import { encodeTask } from '../../../replication/tasks/encode-task.ts';

const DOMAIN_ID = 'domain';
const EVENTS_MAX = Number.MAX_SAFE_INTEGER;

export const CLUSTERS = (currentCluster: string): ClusterGroup => ({
  currentCluster,
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 1, rpcAddress: '' },
    b: { enabled: true, initialFailoverVersion: 2, rpcAddress: '' },
  },
});

export class ModelRegion {
  readonly cluster: string;
  readonly runs = new Map<string, Map<string, WorkflowState>>();
  readonly currents = new Map<string, CurrentRun>();
  /** Replication tasks not yet sent, in order. */
  outbox: ReplicationTask[] = [];
  failoverVersion = 1;
  activeCluster = 'a';
  nowMs = 1_700_000_000_000;
  readonly #store = createMemoryStore();
  readonly #random: Random;
  #taskId: number;

  constructor(cluster: string, seed: number, firstTaskId: number) {
    this.cluster = cluster;
    this.#random = seededRandom(seed);
    this.#taskId = firstTaskId;
  }

  get isActive(): boolean {
    return this.activeCluster === this.cluster;
  }

  context(): DecideContext {
    const view = {
      id: DOMAIN_ID,
      name: 'domain',
      isGlobal: true,
      clusters: ['a', 'b'],
      activeCluster: this.activeCluster,
      failoverVersion: this.failoverVersion,
      isDeprecated: false,
      retentionDays: 1,
      retentionMs: 86_400_000,
      archivesHistory: false,
      archivesVisibility: false,
      archivalDelayMs: 0,
      data: {},
      badBinaries: new Set<string>(),
      isActiveHere: this.isActive,
    };
    return {
      nowMs: this.nowMs++,
      domain: view,
      clusters: CLUSTERS(this.cluster),
      limits: DEFAULT_LIMITS,
      uuid: () => this.#random.uuid(),
      random: () => this.#random.next(),
      nextTaskId: () => this.#taskId++,
    };
  }

  workflow(workflowId: string): Map<string, WorkflowState> {
    const runs = this.runs.get(workflowId) ?? new Map<string, WorkflowState>();
    this.runs.set(workflowId, runs);
    return runs;
  }

  currentState(workflowId: string): WorkflowState | undefined {
    const current = this.currents.get(workflowId);
    return current === undefined ? undefined : this.workflow(workflowId).get(current.runId);
  }

  async readBranch(branch: HistoryBranch, minEventId: number, maxEventId: number): Promise<HistoryEvent[][]> {
    const blobs = await this.readBlobs(branch, minEventId, maxEventId);
    return blobs.map((blob) => History.decode(blob).events);
  }

  async readBlobs(branch: HistoryBranch, minEventId: number, maxEventId: number): Promise<Uint8Array[]> {
    const page = await this.#store.history.readBranch(branch, { minEventId, maxEventId }, { minEvents: EVENTS_MAX });
    return page.items.map(({ blob }) => blob);
  }

  async #write(transition: RunTransition): Promise<void> {
    const { state, batches, tasks } = transition;
    const { workflowId, runId } = state.info;
    const branches = state.versionHistories.histories.map(({ branch }) => ({
      branch: required(branch, 'b'),
      info: '',
    }));
    const nodes = batches.map(({ branch, events }) => ({
      treeId: branch.treeId,
      branchId: branch.branchId,
      nodeId: Number(events[0]?.eventId),
      txnId: this.#taskId++,
      blob: History.encode({ events: [...events] }).finish(),
      eventCount: events.length,
    }));
    await this.#store.history.appendNodes(nodes, branches);
    this.workflow(workflowId).set(runId, state);
    this.outbox.push(...tasks.replication);
  }

  #setCurrent(state: WorkflowState): void {
    this.currents.set(state.info.workflowId, {
      runId: state.info.runId,
      createRequestId: state.info.createRequestId,
      isOpen: state.info.state !== 3,
      closeStatus: state.info.closeStatus,
      lastWriteVersion: required(currentVersionHistory(state.versionHistories).items.at(-1), 'i').version,
      startTimeMs: state.info.startTimeMs,
    });
  }

  /** Writes what a command of the active region made. */
  async write({ run, newRun }: Transition<unknown>): Promise<void> {
    await this.#write(run);
    this.#setCurrent(run.state);
    if (newRun !== undefined) {
      await this.#write(newRun);
      this.#setCurrent(newRun.state);
    }
  }

  async start(workflowId: string): Promise<void> {
    const request = StartWorkflowExecutionRequest.fromPartial({
      domain: 'domain',
      workflowId,
      workflowType: { name: 'type' },
      taskList: { name: 'list' },
      requestId: this.#random.uuid(),
      executionStartToCloseTimeout: { seconds: 1000n, nanos: 0 },
      taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
    });
    const runId = this.#random.uuid();
    const run = createWorkflow({ runId, request, firstDecisionBackoffSeconds: 0 }, this.context());
    await this.write({ run, reply: undefined });
  }

  async signal(state: WorkflowState, requestId: string): Promise<void> {
    const command = { kind: 'signal' as const, signalName: requestId, identity: 'client', requestId };
    await this.write(decide(state, command, this.context()));
  }

  async startDecision(state: WorkflowState): Promise<void> {
    const scheduleId = required(state.info.decision, 'd').scheduleId;
    const command = { kind: 'recordDecisionTaskStarted' as const, scheduleId, requestId: 'r', identity: 'w' };
    await this.write(decide(state, command, this.context()));
  }

  async completeDecision(state: WorkflowState, decisions: readonly Decision[]): Promise<void> {
    const { scheduleId, attempt } = required(state.info.decision, 'd');
    const command = {
      kind: 'respondDecisionTaskCompleted' as const,
      scheduleId,
      attempt,
      decisions,
      executionContext: new Uint8Array(),
      identity: 'w',
      binaryChecksum: '',
      returnNewDecisionTask: false,
      forceCreateNewDecisionTask: false,
      client: { impl: '', featureVersion: '', libraryVersion: '' },
      findDomain: () => this.context().domain,
    };
    const started = (await this.readBranch(branchOf(state), 1, 2))[0]?.[0]?.attributes;
    const startedEvent = started?.$case === 'workflowExecutionStartedEventAttributes' ? started.value : undefined;
    await this.write(decide(state, command, { ...this.context(), startedEvent }));
  }

  async terminate(state: WorkflowState): Promise<void> {
    await this.write(decide(state, { kind: 'terminate', reason: 'x', identity: 'client' }, this.context()));
  }

  async messageOf(task: ReplicationTask): Promise<HistoryReplicationRequest> {
    const source = {
      readEvents: (branch: HistoryBranch, from: number, to: number) => this.readBlobs(branch, from, to),
      loadRun: () => Promise.resolve(undefined),
    };
    const message = required(await encodeTask(source, task), 'history is there');
    const attributes = required(message.attributes, 'attributes');
    if (attributes.$case !== 'historyTaskV2Attributes') throw new Error('not a history task');
    return decodeHistoryTask(this.cluster, attributes.value);
  }

  readonly host: NdcHost = {
    withWorkflow: async (domainId, workflowId, work) => work(this.#transaction(domainId, workflowId)),
  };

  #transaction(domainId: string, workflowId: string): NdcTransaction {
    return {
      domainId,
      workflowId,
      currentRun: async () => this.currents.get(workflowId),
      loadRun: async (runId) => this.workflow(workflowId).get(runId),
      readBranch: (branch, min, max) => this.readBranch(branch, min, max),
      context: () => this.context(),
      commit: async (writes: NdcWrites) => {
        for (const { transition, isNew } of writes.runs) {
          const known = this.workflow(workflowId).has(transition.state.info.runId);
          if (known === isNew) throw new Error(`isNew is ${isNew} and the run is known: ${known}`);
          await this.#write(transition);
        }
        if (writes.current !== undefined) this.currents.set(workflowId, writes.current);
      },
    };
  }

  /** Applies a message, filling gaps from its source as the consumer does. */
  async apply(request: HistoryReplicationRequest, source: ModelRegion): Promise<void> {
    try {
      await replicateEvents(this.host, request);
    } catch (error) {
      if (!(error instanceof RetryTaskV2Error)) throw error;
      for (const missing of await source.rawHistory(error)) await replicateEvents(this.host, missing);
      await replicateEvents(this.host, request);
    }
  }

  /** The batches between two events of a run, both exclusive, on the branch that has the later one. */
  async rawHistory(gap: RetryTaskV2Error): Promise<readonly HistoryReplicationRequest[]> {
    const { domainId, workflowId, runId, start, end } = gap;
    const state = this.workflow(workflowId).get(runId);
    if (state === undefined) throw new EntityNotExistsError('no run');
    const history =
      end === undefined
        ? currentVersionHistory(state.versionHistories)
        : required(
            state.versionHistories.histories.find(({ items }) => versionOfEvent(items, end.eventId) === end.version),
            'a branch has the end',
          );
    const from = (start?.eventId ?? 0) + 1;
    const to = end?.eventId ?? required(history.items.at(-1), 'i').eventId + 1;
    const batches = await this.readBranch(required(history.branch, 'b'), from, to);
    const requests: HistoryReplicationRequest[] = [];
    for (const events of batches) {
      const lastId = Number(events.at(-1)?.eventId);
      const kept = history.items.filter(({ eventId }) => eventId < lastId);
      const version = required(history.items[kept.length], 'item').version;
      const attributes = events.at(-1)?.attributes;
      const newRunId =
        attributes?.$case === 'workflowExecutionContinuedAsNewEventAttributes'
          ? attributes.value.newExecutionRunId
          : '';
      const next = newRunId === '' ? undefined : this.workflow(workflowId).get(newRunId);
      const newRunEvents = next === undefined ? [] : ((await this.readBranch(branchOf(next), 1, 2))[0] ?? []);
      const versionHistoryItems = [...kept, { eventId: lastId, version }];
      const header = { sourceCluster: this.cluster, domainId, workflowId, runId };
      requests.push({ ...header, versionHistoryItems, events, newRunEvents, newRunId });
    }
    return requests;
  }

  /** The domain view of this region changes; its runs are looked at, as the history service does. */
  async failover(version: number, activeCluster: string): Promise<void> {
    if (version <= this.failoverVersion) return;
    this.failoverVersion = version;
    this.activeCluster = activeCluster;
    for (const [workflowId, runs] of this.runs) {
      for (const runId of [...runs.keys()]) {
        await settleRunAfterFailover(this.host, { domainId: DOMAIN_ID, workflowId, runId });
      }
    }
  }
}

export const branchOf = (state: WorkflowState): HistoryBranch =>
  required(currentVersionHistory(state.versionHistories).branch, 'b');
