// What a commit waits for: the disk. A disk of our own stands in, which syncs when the test says so.
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deferred, deferred, isStoreError } from '#base';
import { createSqliteStore, type LogSync, type SqliteStore } from '#persistence/sqlite';
import { emptyCommit, env, execution, runKey, temporaryFolder } from './drivers.ts';

let folder: { path: string; remove(): void };
let store: SqliteStore;
let syncs: Deferred<void>[];
let syncsAtEnd: number;

beforeEach(async () => {
  folder = temporaryFolder();
  syncs = [];
  syncsAtEnd = 0;
  const disk: LogSync = {
    sync: () => {
      const sync = deferred<void>();
      syncs.push(sync);
      return sync.promise;
    },
    syncNow: () => {
      syncsAtEnd++;
    },
    close: () => {},
  };
  store = createSqliteStore({ path: join(folder.path, 'store.db'), createLogSync: () => disk }, env);
  const lease = store.shards.acquireShard(1, 'a', 1);
  await turns();
  syncs[0]?.resolve();
  await lease;
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const turns = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await turn();
};
const commit = (workflowId: string): Promise<void> =>
  store.shards.commit(1, 1, { ...emptyCommit, executions: [execution(workflowId)] });
const load = (workflowId: string) => store.shards.loadExecution(1, runKey(workflowId));
/** What has become of a promise by now. */
function watch(promise: Promise<unknown>): { state: string } {
  const seen = { state: 'open' };
  promise.then(
    () => {
      seen.state = 'done';
    },
    () => {
      seen.state = 'failed';
    },
  );
  return seen;
}

describe('a commit', () => {
  it('is heard of only after the sync, by its caller and by readers', async () => {
    const written = watch(commit('w'));
    await turns();
    const read = watch(load('w'));
    await turns();
    expect([written.state, read.state]).toEqual(['open', 'open']);
    syncs[1]?.resolve();
    await turns();
    expect([written.state, read.state]).toEqual(['done', 'done']);
  });

  it('shares the next sync with all that came during the one before', async () => {
    const first = watch(commit('a'));
    await turns();
    const others = [watch(commit('b')), watch(commit('c'))];
    await turns();
    expect(syncs).toHaveLength(2);
    syncs[1]?.resolve();
    await turns();
    expect(first.state).toBe('done');
    expect(syncs).toHaveLength(3);
    expect(others.map(({ state }) => state)).toEqual(['open', 'open']);
    syncs[2]?.resolve();
    await turns();
    expect(others.map(({ state }) => state)).toEqual(['done', 'done']);
  });

  it('is synced at the end when the store closes before', async () => {
    const written = [commit('a')];
    await turns();
    written.push(commit('b'));
    await store.close();
    await Promise.all(written);
    expect(syncsAtEnd).toBe(1);
  });
});

describe('a failed sync', () => {
  it('leaves the outcome unknown and the store closed to everybody', async () => {
    const first = commit('a');
    const read = turns().then(() => load('a'));
    await turns();
    const waiting = commit('b');
    const outcomes = Promise.allSettled([first, read, waiting]);
    await turns();
    syncs[1]?.reject(new Error('EIO'));
    const [a, r, b] = await outcomes;
    expect(a).toMatchObject({ reason: { kind: 'Timeout' } });
    expect(r).toMatchObject({ reason: { kind: 'Timeout' } });
    expect(b).toMatchObject({ reason: { kind: 'Unavailable' } });
    await expect(load('a')).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    await expect(commit('c')).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    await store.close();
    expect(syncsAtEnd).toBe(0);
  });
});
