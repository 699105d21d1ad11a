// What only a file can suffer: SIGKILL in the middle of commits, flipped bits, a full disk, a second process, a
// schema of another release.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { createSqliteSchemaTarget, createSqliteStore, type SqliteOptions, type SqliteStore } from '#persistence/sqlite';
import { createSchemaTool } from '#schema';
import {
  branchOf,
  branchRow,
  currentRun,
  DOMAIN_ID,
  emptyCommit,
  env,
  execution,
  node,
  runKey,
  temporaryFolder,
  textOf,
  transferTask,
} from './drivers.ts';

const KILLS = 6;
const FLIPS = 80;
const MANIFEST = fileURLToPath(new URL('../../../schema/sqlite/manifest.json', import.meta.url));
const COMMIT_LOOP = fileURLToPath(new URL('./commit-loop.ts', import.meta.url));

let folder: { path: string; remove(): void };
let stores: SqliteStore[];
beforeEach(() => {
  folder = temporaryFolder();
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  folder.remove();
});

const path = (): string => join(folder.path, 'data', 'store.db');
const open = (options: Partial<SqliteOptions> = {}): SqliteStore => {
  const store = createSqliteStore({ path: path(), ...options }, env);
  stores.push(store);
  return store;
};
const edit = (sql: string): void => {
  const raw = new Database(path());
  raw.exec(sql);
  raw.close();
};

describe('a SQLite store that is killed', () => {
  function spawnLoop(acknowledged: string[]): ChildProcess {
    const child = spawn(process.execPath, ['--conditions=antiphon-src', '--import', 'tsx', COMMIT_LOOP, path()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      acknowledged.push(...lines);
    });
    return child;
  }

  async function expectWhole(store: SqliteStore, workflowId: string): Promise<void> {
    const shardId = Number(workflowId.split('-')[0]);
    const loaded = await store.shards.loadExecution(shardId, runKey(workflowId));
    expect(loaded?.signalRequestIds, workflowId).toEqual(['s']);
    expect(await store.shards.loadCurrentRun(shardId, DOMAIN_ID, workflowId)).toBeDefined();
    const range = { minEventId: 1, maxEventId: 100 };
    const page = await store.history.readBranch(branchOf(workflowId, 'a'), range, { minEvents: 10 });
    expect(page.items.map((item) => item.nodeId)).toEqual([1, 3]);
  }

  it('has every acknowledged commit, and every commit whole', async () => {
    const acknowledged: string[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = acknowledged.length;
      const child = spawnLoop(acknowledged);
      while (acknowledged.length < before + 50 * kill) await once(child.stdout as NodeJS.ReadableStream, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    const store = open();
    let found = 0;
    for (const shardId of [1, 2, 3]) {
      let token: Uint8Array | undefined;
      do {
        const page = await store.shards.listExecutions(shardId, token, 500);
        for (const { workflowId } of page.items) await expectWhole(store, workflowId);
        found += page.items.length;
        token = page.nextToken;
      } while (token !== undefined);
      expect((await store.shards.acquireShard(shardId, 'test', 1)).rangeId).toBe(KILLS + 1);
    }
    for (const workflowId of acknowledged) await expectWhole(store, workflowId);
    expect(found).toBeGreaterThanOrEqual(acknowledged.length);
    expect(acknowledged.length).toBeGreaterThan(50 * KILLS);
  }, 120_000);
});

describe('a SQLite store whose bytes changed', () => {
  const write = async (): Promise<void> => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    const branch = branchOf('tree', 'branch');
    await store.shards.commit(1, 1, {
      ...emptyCommit,
      branches: [branchRow(branch)],
      nodes: [node(branch, 1, 2), node(branch, 3, 1)],
      executions: [execution('w'), execution('other')],
    });
    await store.close();
  };
  const corrupt = (naming: RegExp) => (error: unknown) =>
    isStoreError(error, 'Corrupt') && naming.test((error as Error).message);

  it('names the execution whose record does not match its checksum, and serves the others', async () => {
    await write();
    edit(`UPDATE executions SET record = CAST('record of v' AS BLOB) WHERE workflow_id = 'w'`);
    const store = open();
    await expect(store.shards.loadExecution(1, runKey('w'))).rejects.toSatisfy(corrupt(/\/w\/w-run/));
    expect(await store.shards.loadExecution(1, runKey('other'))).toBeDefined();
  });

  it('notices a next event id that is not the one that was written', async () => {
    await write();
    edit(`UPDATE executions SET next_event_id = 4 WHERE workflow_id = 'w'`);
    await expect(open().shards.loadExecution(1, runKey('w'))).rejects.toSatisfy(corrupt(/\/w\/w-run/));
  });

  it('names the run and the events whose bytes flipped', async () => {
    await write();
    edit(`UPDATE history_nodes SET events = CAST('flipped' AS BLOB) WHERE node_key % 16777216 = 3`);
    const store = open();
    const branch = branchOf('tree', 'branch');
    const read = (maxEventId: number) =>
      store.history.readBranch(branch, { minEventId: 1, maxEventId }, { minEvents: 10 });
    await expect(read(10)).rejects.toSatisfy(corrupt(/events from 3 of history branch tree\/branch \(.*:w:tree\)/));
    expect((await read(3)).items).toHaveLength(1);
  });
});

describe('a SQLite store that was torn', () => {
  const copyTo = (name: string): string => {
    const copy = join(folder.path, name);
    for (const suffix of ['', '-wal']) copyFileSync(path() + suffix, copy + suffix);
    return copy;
  };
  const commitMany = async (count: number): Promise<SqliteStore> => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    for (let index = 0; index < count; index++) {
      const branch = branchOf(`tree ${index}`, 'a');
      await store.shards.commit(1, 1, {
        ...emptyCommit,
        branches: [branchRow(branch)],
        nodes: [node(branch, 1, 2, 100 + index)],
        executions: [execution(`w${index}`)],
      });
    }
    return store;
  };

  it('has a prefix of the commits, each whole, when the tail of its log is gone', async () => {
    await commitMany(20);
    for (const torn of [10, 4096, 40_000]) {
      const copy = copyTo(`torn-${torn}.db`);
      truncateSync(`${copy}-wal`, statSync(`${copy}-wal`).size - torn);
      const store = open({ path: copy });
      const { items } = await store.shards.listExecutions(1, undefined, 100);
      expect(items.length).toBeGreaterThan(0);
      expect(items.length).toBeLessThan(20);
      const survivors = items.map(({ workflowId }) => Number(workflowId.slice(1))).toSorted((a, b) => a - b);
      expect(survivors).toEqual(survivors.map((_, index) => index));
      for (const index of survivors) {
        const range = { minEventId: 1, maxEventId: 9 };
        const page = await store.history.readBranch(branchOf(`tree ${index}`, 'a'), range, { minEvents: 9 });
        expect(page.items).toHaveLength(1);
      }
    }
  });

  it('answers with the right bytes or an error, never with wrong ones, wherever a byte of the file flips', async () => {
    const written = await commitMany(20);
    await written.close();
    const original = readFileSync(path());
    let failures = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const copy = join(folder.path, 'flipped.db');
      const damaged = Buffer.from(original);
      // Leaves the header's first page alone: without it there is no database at all.
      const position = 4096 + Math.floor(((original.length - 4096) * flip) / FLIPS) + (flip % 7);
      damaged[position] = (damaged[position] ?? 0) ^ 0x41;
      writeFileSync(copy, damaged);
      let store: SqliteStore | undefined;
      try {
        store = createSqliteStore({ path: copy }, env);
        for (let index = 0; index < 20; index++) {
          const loaded = await store.shards.loadExecution(1, runKey(`w${index}`));
          if (loaded !== undefined) expect(textOf(loaded.record)).toBe(`record of w${index}`);
          const range = { minEventId: 1, maxEventId: 9 };
          const page = await store.history.readBranch(branchOf(`tree ${index}`, 'a'), range, { minEvents: 9 });
          for (const item of page.items) expect(textOf(item.blob)).toBe(`a:1:${100 + index}`);
        }
      } catch (error) {
        if (!isStoreError(error, 'Corrupt') && !isStoreError(error, 'Unavailable')) throw error;
        failures++;
      } finally {
        await store?.close();
        for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(copy + suffix, { force: true });
      }
    }
    expect(failures).toBeGreaterThan(0);
  });
});

describe('a SQLite store without space', () => {
  it('refuses what does not fit, applies what does, and goes on when there is room', async () => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    const pages = store.database.connection.pragma('page_count', { simple: true }) as number;
    store.database.connection.pragma(`max_page_count = ${pages + 20}`);
    const big = (workflowId: string) => ({
      ...emptyCommit,
      executions: [execution(workflowId, { record: Buffer.alloc(400_000, 1) })],
      transferTasks: [transferTask(7)],
    });
    const outcomes = await Promise.allSettled([
      store.shards.commit(1, 1, { ...emptyCommit, executions: [execution('small')] }),
      store.shards.commit(1, 1, big('big')),
      store.shards.commit(1, 1, { ...emptyCommit, executions: [execution('small too')] }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { kind: 'Full' } });
    expect(await store.shards.loadExecution(1, runKey('big'))).toBeUndefined();
    expect(await store.shards.loadExecution(1, runKey('small too'))).toBeDefined();
    expect(await store.shards.loadTransferTasks(1, 0, 10)).toEqual([]);
    store.database.connection.pragma(`max_page_count = ${pages + 10_000}`);
    await store.shards.commit(1, 1, big('big'));
    expect(await store.shards.loadExecution(1, runKey('big'))).toBeDefined();
  });

  it('keeps a branch usable whose first commit was undone', async () => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    const branch = branchOf('tree', 'a');
    const first = { ...emptyCommit, branches: [branchRow(branch)], nodes: [node(branch, 1, 1)] };
    const clash = { ...first, executions: [execution('w', { isNew: false })] };
    await expect(store.shards.commit(1, 1, clash)).rejects.toSatisfy((e) => isStoreError(e, 'ConditionFailed'));
    await store.shards.commit(1, 1, { ...emptyCommit, branches: [branchRow(branchOf('other', 'b'))] });
    await store.shards.commit(1, 1, first);
    const range = { minEventId: 1, maxEventId: 9 };
    expect((await store.history.readBranch(branch, range, { minEvents: 9 })).items).toHaveLength(1);
    expect((await store.history.readBranch(branchOf('other', 'b'), range, { minEvents: 9 })).items).toEqual([]);
  });
});

describe('a SQLite file', () => {
  it('keeps its order in a power cut and is readable by its owner only', async () => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    const { connection } = store.database;
    expect(connection.pragma('synchronous', { simple: true })).toBe(1);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    for (const suffix of ['', '-wal', '.lock']) expect(statSync(path() + suffix).mode & 0o777, suffix).toBe(0o600);
    expect(statSync(join(folder.path, 'data')).mode & 0o777).toBe(0o700);
  });

  it('belongs to one writer: a second is refused, a reader is not', async () => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    expect(() => open()).toThrowError(/in use by another process/);
    const reader = open({ readOnly: true });
    expect((await reader.shards.listExecutions(1, undefined, 10)).items).toEqual([]);
    await expect(reader.shards.acquireShard(1, 'b', 1)).rejects.toSatisfy((e) => isStoreError(e, 'Unavailable'));
    await store.close();
    await open().shards.acquireShard(1, 'c', 1);
  });

  it('commits what waits when it is closed', async () => {
    const store = open();
    await store.shards.acquireShard(1, 'a', 1);
    const pending = store.shards.commit(1, 1, {
      ...emptyCommit,
      executions: [execution('w')],
      currentRuns: [currentRun('w')],
    });
    await store.close();
    await pending;
    expect(await open().shards.loadExecution(1, runKey('w'))).toBeDefined();
  });
});

describe('the schema tool', () => {
  const tool = () => createSchemaTool(createSqliteSchemaTarget(path(), env), env);
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { versions: { version: number }[] };
  const known = manifest.versions.map(({ version }) => version);
  const newest = Math.max(...known);
  const inState = (state: string) => known.map((version) => ({ version, state }));

  it('shows, dry-runs, applies and prints versions', async () => {
    expect(await tool().status()).toMatchObject({ currentVersion: 0, versions: inState('pending') });
    expect((await tool().apply({ dryRun: true })).map(({ version }) => version)).toEqual(known);
    expect((await tool().status()).currentVersion).toBe(0);
    expect((await tool().apply()).map(({ version }) => version)).toEqual(known);
    expect(await tool().apply()).toEqual([]);
    expect(await tool().status()).toMatchObject({ currentVersion: newest, versions: inState('applied') });
    expect(tool().print(1)).toContain('CREATE TABLE executions');
  });

  it('reads the status beside a running server', async () => {
    open();
    expect((await tool().status()).currentVersion).toBe(newest);
    await expect(tool().apply()).rejects.toThrowError(/in use by another process/);
  });

  it('refuses a store that a newer release has changed, and one that lacks a version when told to', async () => {
    expect(() => open({ schema: 'require' })).toThrowError(/lacks schema version 1/);
    await open().close();
    edit(`INSERT INTO schema_versions VALUES (99, 'from the future', 'x', 1)`);
    expect(() => open()).toThrowError(`schema version 99, this release knows ${newest}`);
    expect((await tool().status()).versions.at(-1)).toMatchObject({ version: 99, state: 'unknown' });
  });

  it('sees that an applied version was not this text', async () => {
    await open().close();
    edit(`UPDATE schema_versions SET sha256 = 'other' WHERE version = 1`);
    expect((await tool().status()).versions.at(0)).toMatchObject({ version: 1, state: 'changed' });
    expect(() => open()).toThrowError(/schema version 1 is not this release's/);
  });
});
