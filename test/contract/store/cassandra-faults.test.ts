// What only a server can suffer: it freezes, it is gone, another process takes the shard in the meantime; a keyspace of another release.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError, type StoreError } from '#base';
import type { Store } from '#persistence';
import {
  type CassandraSchemaOptions,
  createCassandraSchemaTarget,
  createCassandraStore,
  openCassandraSession,
} from '#persistence/cassandra';
import { createSchemaTool } from '#schema';
import { stop } from '../../../scripts/services/runner.mjs';
import { serviceMissing, useService, variable } from '../../support/services.ts';
import {
  branchOf,
  branchRow,
  bytes,
  currentRun,
  DOMAIN_ID,
  emptyCommit,
  env,
  execution,
  node,
  runKey,
  transferTask,
} from './drivers.ts';

const INSTANCE = `faults-${process.pid}`;
const SHARD = 4;
const TIMEOUT_MS = 1_500;
const ROUNDS = 5;
const START_MS = 600_000;

describe.skipIf(serviceMissing('cassandra') !== undefined)('a Cassandra store', () => {
  let options: CassandraSchemaOptions;
  let pid: number;
  const stores: Store[] = [];
  const open = async (overrides: Partial<CassandraSchemaOptions> = {}): Promise<Store> => {
    const store = await createCassandraStore({ ...options, ...overrides }, env);
    stores.push(store);
    return store;
  };
  const pause = (): void => void process.kill(pid, 'SIGSTOP');
  /** The signal stops one thread after the other: those that still run may answer a write. */
  const freeze = async (): Promise<void> => {
    pause();
    const threads = `/proc/${pid}/task`;
    const runs = (thread: string): boolean => !/\) [Tt] /.test(fs.readFileSync(`${threads}/${thread}/stat`, 'utf8'));
    while (fs.readdirSync(threads).some(runs)) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const resume = (): void => void process.kill(pid, 'SIGCONT');

  beforeAll(async () => {
    const service = await useService('cassandra', INSTANCE);
    pid = service.pid;
    const localDataCenter = variable(service, 'CASSANDRA_LOCAL_DATACENTER');
    options = {
      contactPoints: [variable(service, 'CASSANDRA_CONTACT_POINTS')],
      localDataCenter,
      keyspace: 'faults',
      part: 'history',
      replicas: { [localDataCenter]: 1 },
    };
  }, START_MS);
  afterAll(() => stop('cassandra', { instance: INSTANCE, remove: true }), START_MS);

  const target = () => createCassandraSchemaTarget(options, env);

  it(
    'is refused with the command that helps, until its schema is this release’s',
    async () => {
      const schema = target();
      await expect(open()).rejects.toThrow(/lacks schema version 1: run "antiphon schema setup --store cassandra --ep/);
      await expect(createSchemaTool(schema, env).setup()).rejects.toThrow(/there is no keyspace faults: run "antiphon/);
      expect(await schema.create?.()).toBe(true);
      expect(await schema.create?.()).toBe(false);
      await createSchemaTool(schema, env).setup({ toVersion: 0 });
      await expect(open()).rejects.toThrow(/lacks schema version 1: run "antiphon schema update/);
      await createSchemaTool(schema, env).update();
      expect(await createSchemaTool(schema, env).update()).toEqual([]);
      await (await open()).shards.acquireShard(SHARD, 'a', 1);
      await schema.close();
    },
    START_MS,
  );

  it(
    'lets one tool at a time change its schema, and goes on after one that died half-way',
    async () => {
      const [first, second] = [target(), target()];
      let other: unknown;
      await first.locked(async () => {
        other = await second.locked(async () => 'entered').catch((error: unknown) => error);
      });
      expect(isStoreError(other, 'Unavailable') && other.message).toMatch(/changes the schema of keyspace faults/);
      expect(await second.locked(async () => 'entered')).toBe('entered');
      // As if the statements of version 1 had run, and not its record.
      const session = await openCassandraSession(options, env);
      await session.write('forget', [
        { query: "DELETE FROM schema_versions WHERE part = 'history' AND version = 1", params: [] },
      ]);
      await session.close();
      expect((await createSchemaTool(first, env).update()).map(({ version }) => version)).toEqual([1]);
      await Promise.all([first.close(), second.close()]);
    },
    START_MS,
  );

  describe('that serves', () => {
    let store: Store;
    beforeEach(async () => {
      store = await open({ requestTimeoutMs: TIMEOUT_MS });
    });
    afterEach(async () => {
      resume();
      for (const opened of stores.splice(0)) await opened.close();
    });

    const commitOf = (id: string, taskId = 1) => {
      const branch = branchOf(`tree-${id}`, 'a');
      return {
        ...emptyCommit,
        branches: [branchRow(branch)],
        nodes: [node(branch, 1, 2)],
        executions: [execution(id, { record: bytes(id.repeat(2000)), addedSignalRequestIds: ['s'] })],
        currentRuns: [currentRun(id)],
        transferTasks: [transferTask(taskId)],
      };
    };
    /** What there is of a commit. */
    const traces = async (reader: Store, id: string) => {
      const loaded = await reader.shards.loadExecution(SHARD, runKey(id));
      const current = await reader.shards.loadCurrentRun(SHARD, DOMAIN_ID, id);
      const tasks = await reader.shards.loadTransferTasks(SHARD, 0, 10);
      return [loaded !== undefined, loaded?.signalRequestIds.length === 1, current !== undefined, tasks.length === 1];
    };

    it('calls the outcome of a commit unknown when the server freezes, and whole or absent when it goes on', async () => {
      const outcomes = { applied: 0, absent: 0 };
      for (let round = 0; round < ROUNDS; round++) {
        const id = `frozen-${round}`;
        const lease = await store.shards.acquireShard(SHARD, 'a', 1);
        const clean = { ...emptyCommit, shardInfo: { ...lease.info, transferAckLevel: round } };
        await store.shards.commit(SHARD, lease.rangeId, clean);
        const outcome = store.shards.commit(SHARD, lease.rangeId, {
          ...commitOf(id, round + 1),
          nodes: [],
          branches: [],
        });
        // Frozen at another moment of the write each round.
        await new Promise((resolve) => setTimeout(resolve, round * 0.5));
        pause();
        const error = await outcome.then(
          () => undefined,
          (failure: StoreError) => failure,
        );
        resume();
        if (error !== undefined) expect(error.kind).toBe('Timeout');
        const next = await store.shards.acquireShard(SHARD, 'b', 2);
        expect(next.rangeId).toBe(lease.rangeId + 1);
        const seen = await traces(store, id);
        const later = await traces(await open(), id);
        expect(new Set(seen).size, `${id}: ${seen}`).toBe(1);
        expect(later).toEqual(seen);
        if (error === undefined) expect(seen[0]).toBe(true);
        outcomes[seen[0] ? 'applied' : 'absent']++;
        const stale = store.shards.commit(SHARD, lease.rangeId, commitOf(`${id}-stale`));
        await expect(stale).rejects.toSatisfy((failure) => isStoreError(failure, 'ShardOwnershipLost'));
      }
      expect(outcomes.applied + outcomes.absent).toBe(ROUNDS);
    }, 180_000);

    it('has not begun a commit whose history could not be written', async () => {
      const lease = await store.shards.acquireShard(SHARD, 'a', 1);
      await freeze();
      const outcome = store.shards.commit(SHARD, lease.rangeId, commitOf('unwritten'));
      await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
      await expect(outcome).rejects.toThrow(/the commit was not begun/);
      resume();
      expect(await store.shards.loadExecution(SHARD, runKey('unwritten'))).toBeUndefined();
    }, 60_000);

    it('calls reads unavailable while the server is frozen, and answers them afterwards', async () => {
      await store.shards.acquireShard(SHARD, 'a', 1);
      await freeze();
      const read = store.shards.loadExecution(SHARD, runKey('any'));
      await expect(read).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
      resume();
      expect(await store.shards.loadExecution(SHARD, runKey('any'))).toBeUndefined();
    }, 60_000);

    it('names bytes that were changed behind its back', async () => {
      const { rangeId } = await store.shards.acquireShard(SHARD, 'a', 1);
      await store.shards.commit(SHARD, rangeId, commitOf('torn'));
      const session = await openCassandraSession(options, env);
      const [row] = await session.read<{ sort: unknown }>(
        'find',
        'SELECT sort FROM shard_rows WHERE shard_id = ? AND kind = 1 AND (sort, id, domain_id, workflow_id) > (?, 0, ?, ?) LIMIT 1',
        [SHARD, -(2 ** 33), '', ''],
      );
      expect(row).toBeDefined();
      const everything = await session.read<{ sort: { toNumber(): number }; workflow_id: string }>(
        'find',
        'SELECT sort, workflow_id FROM shard_rows WHERE shard_id = ? AND kind = 1',
        [SHARD],
      );
      const sort = everything.find(({ workflow_id }) => workflow_id === 'torn')?.sort.toNumber() as number;
      await session.write('tear', [
        {
          query: `UPDATE shard_rows SET value = ? WHERE shard_id = ? AND kind = 1 AND sort = ? AND id = 0 AND domain_id = ?
            AND workflow_id = 'torn' AND run_id = 'torn-run' AND part = 0 AND item = ''`,
          params: [Buffer.from('other'), SHARD, sort, DOMAIN_ID],
        },
      ]);
      await session.close();
      await expect(store.shards.loadExecution(SHARD, runKey('torn'))).rejects.toThrow(
        /checksum mismatch in .*torn-run/,
      );
    }, 60_000);

    it('refuses a commit that is larger than the server takes, and says so', async () => {
      const { rangeId } = await store.shards.acquireShard(SHARD, 'a', 1);
      const record = new Uint8Array(17 * 1024 * 1024);
      const outcome = store.shards.commit(SHARD, rangeId, {
        ...emptyCommit,
        executions: [execution('huge', { record })],
      });
      await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'Full'));
      expect(await store.shards.loadExecution(SHARD, runKey('huge'))).toBeUndefined();
    }, 60_000);

    it('lets none of 1,000 commits of owners that lost the shard through', async () => {
      const rival = await open();
      const applied: number[] = [];
      for (let round = 0; round < 50; round++) {
        const { rangeId } = await store.shards.acquireShard(SHARD, 'old', 1);
        const commitAll = (prefix: string) =>
          Promise.allSettled(
            Array.from({ length: 10 }, (_, index) =>
              store.shards.commit(SHARD, rangeId, {
                ...emptyCommit,
                executions: [execution(`${prefix}${round}-${index}`)],
              }),
            ),
          );
        // Ten race with the taking, ten come after it; the fence decides each as a whole.
        const [raced] = await Promise.all([commitAll('r'), rival.shards.acquireShard(SHARD, 'new', 2)]);
        for (const [index, { status }] of raced.entries()) if (status === 'fulfilled') applied.push(round * 10 + index);
        for (const outcome of await commitAll('l')) {
          expect(outcome.status === 'rejected' && isStoreError(outcome.reason, 'ShardOwnershipLost')).toBe(true);
        }
      }
      for (let index = 0; index < 500; index++) {
        const [round, place] = [Math.floor(index / 10), index % 10];
        const late = await rival.shards.loadExecution(SHARD, runKey(`l${round}-${place}`));
        expect(late).toBeUndefined();
        const raced = await rival.shards.loadExecution(SHARD, runKey(`r${round}-${place}`));
        expect(raced !== undefined).toBe(applied.includes(index));
      }
    }, 180_000);
  });
});
