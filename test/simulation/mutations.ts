// Seeded bugs, made without a switch in the product: ports decorated so that they break one promise. Each must be caught by a checker.
import type { BlobStore, BlobStores } from '#blob';
import type { SimulatedHostEnv } from '#env';
import { DOMAIN_TOPIC } from '#log';
import type { DomainStore, LogStore, ShardCommit, ShardStore, Store, TaskListStore } from '#persistence';
import type { MemoryImage } from '#persistence/memory';
import type { VisibilityStore } from '#visibility';

export interface MutatedHost {
  readonly image: MemoryImage;
  readonly env: SimulatedHostEnv;
}

export interface Mutation {
  readonly name: string;
  /** What is broken. */
  readonly says: string;
  /** Needs this many regions. */
  readonly regions?: number;
  store?(store: Store, host: MutatedHost): Store;
  visibility?(store: VisibilityStore): VisibilityStore;
  blobs?(stores: BlobStores): BlobStores;
}

export const NO_MUTATION: Mutation = { name: '', says: 'nothing is broken' };

/** True at every n-th call. */
function everyNth(n: number): () => boolean {
  let calls = 0;
  return () => ++calls % n === 0;
}

type Change<P> = (port: P, host: MutatedHost) => Partial<P>;

const inShards =
  (change: Change<ShardStore>) =>
  (store: Store, host: MutatedHost): Store => ({
    ...store,
    shards: { ...store.shards, ...change(store.shards, host) },
  });
const inTaskLists =
  (change: Change<TaskListStore>) =>
  (store: Store, host: MutatedHost): Store => ({
    ...store,
    taskLists: { ...store.taskLists, ...change(store.taskLists, host) },
  });
const inLog =
  (change: Change<LogStore>) =>
  (store: Store, host: MutatedHost): Store => ({
    ...store,
    log: { ...store.log, ...change(store.log, host) },
  });
const inDomains =
  (change: Change<DomainStore>) =>
  (store: Store, host: MutatedHost): Store => ({
    ...store,
    domains: { ...store.domains, ...change(store.domains, host) },
  });

/** Every commit, changed. */
const inCommits = (change: (host: MutatedHost) => (commit: ShardCommit, shardId: number) => ShardCommit) =>
  inShards((shards, host) => {
    const changed = change(host);
    return { commit: (shardId, rangeId, commit) => shards.commit(shardId, rangeId, changed(commit, shardId)) };
  });

/** Parts whose writes and reads are made up: verification sees what was never stored. */
function lyingBlobs(store: BlobStore, isLost: (key: string) => boolean): BlobStore {
  const lies = new Map<string, Uint8Array>();
  return {
    ...store,
    async put(key, content, options) {
      if (isLost(key)) lies.set(key, content.slice());
      else await store.put(key, content, options);
    },
    get: async (key) => lies.get(key) ?? store.get(key),
    exists: async (key) => lies.has(key) || store.exists(key),
  };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'fence-ignored',
    says: 'a commit is taken whatever its range id',
    store: inShards((shards, { image }) => ({
      commit: (shardId, rangeId, commit) =>
        shards.commit(shardId, image.shards.get(shardId)?.rangeId ?? rangeId, commit),
    })),
  },
  {
    name: 'acknowledged-before-commit',
    says: 'a commit answers before it is applied',
    store: inShards((shards, { env }) => ({
      async commit(shardId, rangeId, commit) {
        env.scheduler.after(300, () => void shards.commit(shardId, rangeId, commit).catch(() => {}));
      },
    })),
  },
  {
    name: 'signal-request-ids-lost',
    says: 'signal request ids are not stored',
    store: inCommits(() => (commit) => ({
      ...commit,
      executions: commit.executions.map((write) => ({ ...write, addedSignalRequestIds: [] })),
    })),
  },
  {
    name: 'create-request-id-lost',
    says: 'the current row does not keep the create request id',
    store: inCommits(() => (commit) => ({
      ...commit,
      currentRuns: commit.currentRuns.map((row) => ({ ...row, current: { ...row.current, createRequestId: '' } })),
    })),
  },
  {
    name: 'current-row-not-closed',
    says: 'the current row stays open when its run closes',
    store: inCommits(() => (commit) => ({
      ...commit,
      currentRuns: commit.currentRuns.filter(({ current }) => current.isOpen),
    })),
  },
  {
    name: 'current-row-overlooked',
    says: 'one in five reads of the current row finds none',
    store: inShards((shards) => {
      const isStruck = everyNth(5);
      return { loadCurrentRun: async (...args) => (isStruck() ? undefined : shards.loadCurrentRun(...args)) };
    }),
  },
  {
    name: 'stale-execution-read',
    says: 'a read of a run returns what it was one write ago',
    store: inShards((shards) => {
      const older = new Map<string, Awaited<ReturnType<ShardStore['loadExecution']>>>();
      const newer = new Map<string, Awaited<ReturnType<ShardStore['loadExecution']>>>();
      return {
        async commit(shardId, rangeId, commit) {
          await shards.commit(shardId, rangeId, commit);
          for (const { key, record, nextEventId } of commit.executions) {
            older.set(key.runId, newer.get(key.runId));
            newer.set(key.runId, { record, nextEventId, signalRequestIds: [] });
          }
        },
        loadExecution: async (shardId, key) => older.get(key.runId) ?? shards.loadExecution(shardId, key),
      };
    }),
  },
  {
    name: 'timers-lost-on-reload',
    says: 'one in four timer rows is not read again',
    store: inShards((shards) => {
      const isStruck = everyNth(4);
      return {
        loadTimerTasks: async (...args) => (await shards.loadTimerTasks(...args)).filter(() => !isStruck()),
      };
    }),
  },
  {
    name: 'timers-not-stored',
    says: 'timers that fire within ten seconds live in memory only',
    store: inCommits(({ env }) => (commit) => ({
      ...commit,
      timerTasks: commit.timerTasks.filter(({ fireTimeMs }) => fireTimeMs > env.clock.nowMs() + 10_000),
    })),
  },
  {
    name: 'transfer-tasks-lost-on-reload',
    says: 'undone transfer tasks are not read again',
    store: inShards(() => ({ loadTransferTasks: async () => [] })),
  },
  {
    name: 'transfer-ack-too-far',
    says: 'the stored ack level passes tasks that are not done',
    store: inShards((shards, { image }) => ({
      async commit(shardId, rangeId, commit) {
        const { shardInfo } = commit;
        const rows = image.shards.get(shardId)?.transferTasks.read(
          () => 0,
          () => true,
        );
        const last = Math.max(shardInfo?.transferAckLevel ?? 0, rows?.at(-1)?.taskId ?? 0);
        const changed = shardInfo === undefined ? {} : { shardInfo: { ...shardInfo, transferAckLevel: last } };
        await shards.commit(shardId, rangeId, { ...commit, ...changed });
      },
    })),
  },
  {
    name: 'history-batch-dropped',
    says: 'one in sixty history nodes is not written',
    store: inCommits(() => {
      const isStruck = everyNth(60);
      return (commit) => ({ ...commit, nodes: commit.nodes.filter(() => !isStruck()) });
    }),
  },
  {
    name: 'visibility-close-lost',
    says: 'one in five closed records is not written',
    visibility: (store) => {
      const isStruck = everyNth(5);
      return {
        ...store,
        upsert: (records) =>
          store.upsert(records.filter(({ closeTimeMs }) => closeTimeMs === undefined || !isStruck())),
      };
    },
  },
  {
    name: 'visibility-mixes-tenants',
    says: 'lists do not look at the domain',
    store: (store) => store,
    visibility: (store) => {
      const seen = new Set<string>();
      return {
        ...store,
        async upsert(records) {
          for (const { domainId } of records) seen.add(domainId);
          await store.upsert(records);
        },
        async list(domainId, listing, page) {
          const own = await store.list(domainId, listing, page);
          const others = [...seen].filter((id) => id !== domainId);
          const pages = await Promise.all(others.map((id) => store.list(id, listing, { size: page.size })));
          return { ...own, records: [...own.records, ...pages.flatMap(({ records }) => records)] };
        },
      };
    },
  },
  {
    name: 'tenants-share-task-lists',
    says: 'task lists are stored without their domain',
    store: inTaskLists((lists) => ({
      leaseTaskList: (key, ...rest) => lists.leaseTaskList({ ...key, domainId: 'all' }, ...rest),
      appendTasks: (key, ...rest) => lists.appendTasks({ ...key, domainId: 'all' }, ...rest),
      loadTasks: (key, ...rest) => lists.loadTasks({ ...key, domainId: 'all' }, ...rest),
      completeTasks: (key, ...rest) => lists.completeTasks({ ...key, domainId: 'all' }, ...rest),
    })),
  },
  {
    name: 'backlog-task-lost',
    says: 'one in four tasks of a backlog is not written',
    store: inTaskLists((lists) => {
      const isStruck = everyNth(4);
      return {
        appendTasks: (key, rangeId, tasks) =>
          lists.appendTasks(
            key,
            rangeId,
            tasks.filter(() => !isStruck()),
          ),
      };
    }),
  },
  {
    name: 'backlog-ack-too-far',
    says: 'the ack level of a task list passes tasks that wait',
    store: inTaskLists((lists) => ({
      async appendTasks(key, rangeId, tasks) {
        await lists.appendTasks(key, rangeId, tasks);
        await lists.completeTasks(key, rangeId, tasks.at(-1)?.taskId ?? 0);
      },
    })),
  },
  {
    name: 'retention-before-archive',
    says: 'the archiver reports histories as stored that are not',
    blobs: (stores) => {
      const opened = new Map<string, BlobStore>();
      return {
        open(uri) {
          const store = opened.get(uri) ?? lyingBlobs(stores.open(uri), (key) => key.includes('.histories-'));
          opened.set(uri, store);
          return store;
        },
      };
    },
  },
  {
    name: 'replication-task-skipped',
    says: 'one in eight replication tasks is not written',
    regions: 2,
    store: inCommits(() => {
      const isStruck = everyNth(8);
      return (commit) => ({ ...commit, replicationTasks: commit.replicationTasks.filter(() => !isStruck()) });
    }),
  },
  {
    name: 'consumer-offset-ahead',
    says: 'a consumer that restarts leaves out the message after the last that it has applied',
    regions: 2,
    store: inLog((log) => ({
      async loadOffset(consumer, topic, partition) {
        const offset = await log.loadOffset(consumer, topic, partition);
        const isAhead = consumer.startsWith('replication-from:') && topic !== DOMAIN_TOPIC && offset > 0;
        return isAhead ? offset + 1 : offset;
      },
    })),
  },
  {
    name: 'failover-version-not-raised',
    says: 'a failover keeps the failover version',
    regions: 2,
    store: inDomains((domains) => ({
      async updateDomain(record, expected) {
        const before = await domains.findDomain({ id: record.domain?.id ?? '' });
        const failoverVersion = before?.domain?.failoverVersion;
        if (record.domain === undefined || failoverVersion === undefined) {
          return domains.updateDomain(record, expected);
        }
        return domains.updateDomain({ ...record, domain: { ...record.domain, failoverVersion } }, expected);
      },
    })),
  },
  {
    name: 'failover-not-replicated',
    says: 'changes of a domain are not published',
    regions: 2,
    store: inLog((log, { image }) => ({
      append: (topic, partition, entries) =>
        topic === DOMAIN_TOPIC && image.notificationVersion > 2
          ? log.lastOffset(topic, partition)
          : log.append(topic, partition, entries),
    })),
  },
];
