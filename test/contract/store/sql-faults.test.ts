// What a network may do to commits on PostgreSQL and MariaDB: a lost answer is an unknown outcome, a lost request of the first round trip is not.
// And the ids that an index of theirs could not hold, or would take for others.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import type { SqlStore } from '#persistence/sql';
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.ts';
import { serviceMissing } from '../../support/services.ts';
import { makeTestDatabase, SQL_STORES, serviceOf, type TestDatabase } from '../../support/sql-databases.ts';
import { env } from './drivers.ts';
import { branchOf, branchRow, currentRun, DOMAIN_ID, emptyCommit, execution, node, runKey } from './rows.ts';

const SHARD = 1;
const TIMEOUT_MS = 1500;
const FIRST_START_MS = 600_000;

describe.each(SQL_STORES)('%s behind a network that fails', (name) => {
  const isMissing = serviceMissing(serviceOf(name)) !== undefined;
  let database: TestDatabase;
  let direct: SqlStore;
  let proxy: CuttingProxy;
  let store: SqlStore;

  beforeAll(async () => {
    if (isMissing) return;
    database = await makeTestDatabase(name, env);
    direct = await database.open(env);
  }, FIRST_START_MS);
  afterAll(async () => {
    if (isMissing) return;
    await direct.close();
    await database.drop();
  });
  beforeEach(async () => {
    if (isMissing) return;
    proxy = await startCuttingProxy(database.options);
    store = await database.open(env, { port: proxy.port, host: '127.0.0.1', timeoutMs: TIMEOUT_MS });
  });
  afterEach(async () => {
    if (isMissing) return;
    await store.close();
    await proxy.close();
  });

  const workflow = (id: string) => {
    const branch = branchOf(`tree of ${id}`, 'a');
    return {
      ...emptyCommit,
      executions: [execution(id)],
      currentRuns: [currentRun(id)],
      branches: [branchRow(branch)],
      nodes: [node(branch, 1, 2)],
    };
  };
  /** Everything that the commit wrote, or nothing of it. */
  const isThere = async (id: string): Promise<boolean> => {
    const range = { minEventId: 1, maxEventId: 10 };
    const seen = [
      (await direct.shards.loadExecution(SHARD, runKey(id))) !== undefined,
      (await direct.shards.loadCurrentRun(SHARD, DOMAIN_ID, id)) !== undefined,
      (await direct.history.readBranch(branchOf(`tree of ${id}`, 'a'), range, { minEvents: 9 })).items.length > 0,
    ];
    expect(new Set(seen).size).toBe(1);
    return seen[0] === true;
  };

  it.skipIf(isMissing).each([
    ['request', false],
    ['silence', false],
    ['answer', true],
  ] as const)('reports a commit whose %s is lost as an unknown outcome, and it is whole', async (lose, isApplied) => {
    const { rangeId } = await direct.shards.acquireShard(SHARD, 'a', 1);
    const id = `commit without ${lose}`;
    // MySQL's connections speak of what is COMMITTED, too.
    proxy.arm({ at: name === 'mysql' ? ';\nCOMMIT' : 'COMMIT', lose });
    const outcome = store.shards.commit(SHARD, rangeId, workflow(id));
    await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'Timeout'));
    // The next owner waits for what is under way, and what it reads then is what happened.
    const next = await direct.shards.acquireShard(SHARD, 'b', 2);
    expect(await isThere(id)).toBe(isApplied);
    await store.shards.commit(SHARD, next.rangeId, workflow(`after ${lose}`));
    expect(await isThere(`after ${lose}`)).toBe(true);
  });

  it.skipIf(isMissing)('reports what failed before the commit was sent as not applied', async () => {
    const { rangeId } = await direct.shards.acquireShard(SHARD, 'a', 1);
    proxy.arm({ at: 'FOR UPDATE', lose: 'request' });
    const outcome = store.shards.commit(SHARD, rangeId, workflow('no fence'));
    await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    expect(await isThere('no fence')).toBe(false);
    proxy.arm({ at: 'SELECT run_id', lose: 'silence' });
    const read = store.shards.loadCurrentRun(SHARD, DOMAIN_ID, 'w');
    await expect(read).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
  });

  it.skipIf(isMissing)('keeps one write of its own unknown, too, and repeats none', async () => {
    proxy.arm({ at: 'INSERT INTO audit', lose: 'answer' });
    const entry = { timeMs: 1, principal: '', callerName: '', peer: '', operation: 'o', domain: '', request: '' };
    const outcome = store.audit.append({ ...entry, before: '', after: '', outcome: '', message: '' });
    await expect(outcome).rejects.toSatisfy((error) => isStoreError(error, 'Timeout'));
    const filter = { operation: '', domain: '', principal: '', outcome: '', earliestMs: 0, latestMs: 10 };
    const { length } = await direct.audit.list(filter, Number.MAX_SAFE_INTEGER, 10);
    expect(length).toBeLessThanOrEqual(1);
  });

  it.skipIf(isMissing)('opens no more connections than it may, and serves all who wait', async () => {
    const { rangeId } = await direct.shards.acquireShard(SHARD, 'a', 1);
    await Promise.all(Array.from({ length: 60 }, (_, i) => store.shards.loadCurrentRun(SHARD, DOMAIN_ID, `${i}`)));
    await store.shards.commit(SHARD, rangeId, workflow('after the crowd'));
    expect(await isThere('after the crowd')).toBe(true);
  });

  it.skipIf(isMissing)(
    'keeps ids apart that differ in blanks, case, NUL or at their very end, however long',
    async () => {
      const { rangeId } = await direct.shards.acquireShard(SHARD, 'a', 1);
      const long = '漢'.repeat(999);
      const ids = [
        'id',
        'id ',
        'ID',
        'id\u0000',
        'id\u0001',
        'id\u0001\u0002',
        'íd',
        'i\u0301d',
        `${long}a`,
        `${long}b`,
      ];
      await direct.shards.commit(SHARD, rangeId, {
        ...emptyCommit,
        executions: ids.map((id, index) =>
          execution(id, { key: runKey(id, `run ${index}`), addedSignalRequestIds: ids }),
        ),
        currentRuns: ids.map((id, index) => currentRun(id, { runId: `run ${index}` })),
      });
      for (const [index, id] of ids.entries()) {
        expect((await direct.shards.loadCurrentRun(SHARD, DOMAIN_ID, id))?.runId).toBe(`run ${index}`);
        const loaded = await direct.shards.loadExecution(SHARD, runKey(id, `run ${index}`));
        expect([...(loaded?.signalRequestIds ?? [])].sort()).toEqual([...ids].sort());
      }
      const { items } = await direct.shards.listExecutions(SHARD, undefined, 100);
      const listed = items.map(({ workflowId }) => workflowId);
      expect(listed.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
    },
  );
});
