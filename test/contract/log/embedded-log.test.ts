import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRealEnv } from '#env';
import { DOMAIN_TOPIC, HISTORY_TOPIC } from '#log';
import { createEmbeddedLog, createEmbeddedLogSource, type EmbeddedLog } from '#log/embedded';
import type { LogStore } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createSqliteStore } from '#persistence/sqlite';
import { createLogHandlers } from '#replication';
import { createLocalFrontendClient } from '#rpc';

const folder = mkdtempSync(path.join(tmpdir(), 'antiphon-log-'));
const closings: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closings) await close();
  rmSync(folder, { recursive: true });
});

const env = createRealEnv();
let files = 0;
const drivers: Readonly<Record<string, () => LogStore>> = {
  memory: () => createMemoryStore().log,
  sqlite: () => {
    const store = createSqliteStore({ path: path.join(folder, `${files++}.db`), synchronous: 'NORMAL' }, env);
    closings.push(() => store.close());
    return store.log;
  },
};

const text = (value: string): Uint8Array => Buffer.from(value);
const no = { waitMs: 0, limit: 100 };
const never = new AbortController().signal;

function open(log: LogStore, options: { consumers?: readonly string[]; retentionMs?: number } = {}): EmbeddedLog {
  const { consumers = ['b'], retentionMs = 0 } = options;
  return createEmbeddedLog({ env, log }, { consumers, historyPartitions: 2, recheckMs: 20, retentionMs });
}

const publish = (log: EmbeddedLog, ...values: string[]): Promise<void> =>
  log.publish(
    DOMAIN_TOPIC,
    values.map((value) => ({ key: 'k', value: text(value) })),
  );

const serve = async (log: EmbeddedLog, cluster: string, afterOffset: number, appliedOffset: number) => {
  const page = await log.serve(DOMAIN_TOPIC, 0, { cluster, afterOffset, appliedOffset }, no);
  return page.entries.map(({ value }) => Buffer.from(value).toString());
};

describe.each(Object.entries(drivers))('embedded log on %s', (_name, create) => {
  it('keeps the order of a key, in one partition', async () => {
    const log = open(create());
    for (let i = 0; i < 20; i++) await log.publish(HISTORY_TOPIC, [{ key: `key-${i % 3}`, value: text(`${i}`) }]);
    const seen = new Map<string, number[]>();
    for (let partition = 0; partition < log.partitionCount(HISTORY_TOPIC); partition++) {
      const reader = { cluster: 'b', afterOffset: 0, appliedOffset: 0 };
      for (const { key, value } of (await log.serve(HISTORY_TOPIC, partition, reader, no)).entries) {
        expect(log.partitionOf(HISTORY_TOPIC, key)).toBe(partition);
        seen.set(key, [...(seen.get(key) ?? []), Number(Buffer.from(value).toString())]);
      }
    }
    expect([...seen.values()].flat()).toHaveLength(20);
    for (const values of seen.values()) expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  it('trims only what every region has acknowledged', async () => {
    const store = create();
    const log = open(store, { consumers: ['b', 'c'] });
    await publish(log, '1', '2', '3');
    expect(await serve(log, 'b', 0, 0)).toEqual(['1', '2', '3']);
    await serve(log, 'b', 3, 3);
    expect(await store.read(DOMAIN_TOPIC, 0, 0, 10)).toHaveLength(3);
    expect(await serve(log, 'c', 0, 0)).toEqual(['1', '2', '3']);
    await serve(log, 'c', 2, 2);
    expect((await store.read(DOMAIN_TOPIC, 0, 0, 10)).map(({ offset }) => offset)).toEqual([3]);
  });

  it('loses nothing by a position that was never served, however large or small', async () => {
    const store = create();
    const log = open(store);
    await publish(log, '1', '2');
    expect(await serve(log, 'b', 0, 0)).toEqual(['1', '2']);
    await publish(log, '3', '4');
    await serve(log, 'b', 1_000_000, 1_000_000);
    await serve(log, 'b', 2, 4);
    await serve(log, 'b', -5, -5);
    expect(await serve(log, 'b', 2, 2)).toEqual(['3', '4']);
    await expect(serve(log, 'stranger', 0, 1_000_000)).rejects.toMatchObject({ kind: 'BadRequest' });
    const far = log.serve(HISTORY_TOPIC, 99, { cluster: 'b', afterOffset: 0, appliedOffset: 0 }, no);
    await expect(far).rejects.toMatchObject({ kind: 'BadRequest' });
  });

  it('leads a reader that another of its region has overtaken past what was trimmed', async () => {
    const log = open(create());
    await publish(log, '1', '2', '3');
    await serve(log, 'b', 0, 0);
    await serve(log, 'b', 3, 3);
    const behind = { cluster: 'b', afterOffset: 1, appliedOffset: 1 };
    const page = await log.serve(DOMAIN_TOPIC, 0, behind, { limit: 10, waitMs: 60_000 });
    expect(page).toEqual({ entries: [], reachedOffset: 3, lastOffset: 3 });
    await publish(log, '4');
    expect(await serve(log, 'b', page.reachedOffset, page.reachedOffset)).toEqual(['4']);
  });

  it('goes on with acknowledgements after a restart', async () => {
    const store = create();
    const before = open(store);
    await publish(before, '1', '2', '3');
    await serve(before, 'b', 0, 0);
    const after = open(store);
    expect(await serve(after, 'b', 2, 2)).toEqual(['3']);
    await serve(after, 'b', 3, 3);
    expect(await store.read(DOMAIN_TOPIC, 0, 0, 10)).toEqual([]);
    await publish(after, '4');
    expect(await serve(after, 'b', 3, 3)).toEqual(['4']);
  });

  it('wakes a waiting reader at once, also when another process appended', async () => {
    const store = create();
    const log = open(store);
    const other = open(store);
    for (const writer of [log, other]) {
      const startMs = env.clock.monotonicMs();
      const after = (await log.lastOffset(DOMAIN_TOPIC, 0)) as number;
      const reader = { cluster: 'b', afterOffset: after, appliedOffset: 0 };
      const waiting = log.serve(DOMAIN_TOPIC, 0, reader, { limit: 10, waitMs: 5_000 });
      await publish(writer, 'x');
      expect((await waiting).entries).toHaveLength(1);
      expect(env.clock.monotonicMs() - startMs).toBeLessThan(1_000);
    }
  });

  it('answers empty when the wait is over or the caller is gone', async () => {
    const log = open(create());
    const reader = { cluster: 'b', afterOffset: 0, appliedOffset: 0 };
    expect((await log.serve(DOMAIN_TOPIC, 0, reader, { limit: 1, waitMs: 30 })).entries).toEqual([]);
    const gone = new AbortController();
    const waiting = log.serve(DOMAIN_TOPIC, 0, reader, { limit: 1, waitMs: 60_000, signal: gone.signal });
    gone.abort();
    expect((await waiting).entries).toEqual([]);
  });

  it('lets go of entries beyond its retention', async () => {
    const store = create();
    await store.append(DOMAIN_TOPIC, 0, [{ key: 'k', value: text('old'), timeMs: env.clock.nowMs() - 10_000 }]);
    const log = open(store, { retentionMs: 5_000 });
    await publish(log, 'new');
    expect(await serve(log, 'b', 0, 0)).toEqual(['new']);
  });

  it('is read by another region through its admin API', async () => {
    const log = open(create());
    const handlers = createLogHandlers({ env, log }, { waitMs: 50 });
    const client = createLocalFrontendClient({ admin: handlers }, { nowMs: env.clock.nowMs });
    const source = createEmbeddedLogSource(client.admin, { sourceCluster: 'a', currentCluster: 'b' });
    expect(await source.partitionCount(HISTORY_TOPIC)).toBe(2);
    expect(await source.partitionCount(DOMAIN_TOPIC)).toBe(1);
    const start = { afterOffset: 0, appliedOffset: 0 };
    const options = { limit: 10, waitMs: 50, signal: never };
    expect(await source.fetch(DOMAIN_TOPIC, 0, start, options)).toMatchObject({ messages: [], lastOffset: 0 });
    // An empty ReplicationTask is an empty message: what matters here are the offsets.
    await log.publish(DOMAIN_TOPIC, [
      { key: 'k', value: new Uint8Array() },
      { key: 'k', value: new Uint8Array() },
    ]);
    const page = await source.fetch(DOMAIN_TOPIC, 0, start, options);
    expect(page.messages.map(({ offset }) => offset)).toEqual([1, 2]);
    expect(page.reachedOffset).toBe(2);
    expect(page.sourceTimeMs).toBeGreaterThan(0);
    const next = { afterOffset: 2, appliedOffset: 2 };
    expect((await source.fetch(DOMAIN_TOPIC, 0, next, options)).messages).toEqual([]);
    expect((await log.acknowledged(DOMAIN_TOPIC, 0)).get('b')).toBe(2);
  });
});
