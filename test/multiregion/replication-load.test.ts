// How fast the passive region follows: two regions in this process, each on its own SQLite, one of them signalled as fast as it takes it.
// Prints batches per second and the lag; asserts only that it follows, with a generous bound that a shared machine keeps.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStore } from '#persistence/sqlite';
import { historyOf, openTwoRegions, registerDomain, signal, start, untilEqual } from './two-regions.ts';

const WORKFLOWS = Number(process.env.LOAD_WORKFLOWS ?? 60);
const ROUNDS = Number(process.env.LOAD_ROUNDS ?? 10);
const directory = mkdtempSync(join(tmpdir(), 'antiphon-load-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

describe('replication under load', () => {
  it('follows the active region within seconds, and shows how closely', async () => {
    const regions = await openTwoRegions({
      pullWaitMs: 1_500,
      store: (name, env) => createSqliteStore({ path: join(directory, `${name}.db`) }, env),
    });
    const { a, b, env } = regions;
    await registerDomain(regions, 'load');
    const names = Array.from({ length: WORKFLOWS }, (_, i) => `w${i}`);
    const startedMs = env.clock.monotonicMs();
    const runIds = await Promise.all(names.map((name) => start(a, 'load', name)));
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(names.map((name) => signal(a, 'load', name, `s${round}`)));
    }
    const writtenMs = env.clock.monotonicMs();
    // What each workflow waits for when the load ends.
    const lags = await Promise.all(
      names.map(async (name, i) => {
        await untilEqual(regions, 'load', name, runIds[i] as string);
        return env.clock.monotonicMs() - writtenMs;
      }),
    );
    const appliedMs = env.clock.monotonicMs();
    const batches = WORKFLOWS * (ROUNDS + 1);
    // Then one at a time, on regions at rest.
    const single: number[] = [];
    for (let i = 0; i < 40; i++) {
      const [name, runId] = [names[i % WORKFLOWS] as string, runIds[i % WORKFLOWS] as string];
      const sentMs = env.clock.monotonicMs();
      await signal(a, 'load', name, `single${i}`);
      const told = (await historyOf(a, 'load', name, runId)).length;
      while ((await historyOf(b, 'load', name, runId)).length < told) await new Promise((go) => setTimeout(go, 1));
      single.push(env.clock.monotonicMs() - sentMs);
    }
    const [ended, alone] = [lags, single].map((list) => list.sort((x, y) => x - y)) as [number[], number[]];
    const figures = {
      batches,
      writtenPerSecond: Math.round((batches / (writtenMs - startedMs)) * 1000),
      appliedPerSecond: Math.round((batches / (appliedMs - startedMs)) * 1000),
      lagAtEndOfLoadMs: { p50: Math.round(percentile(ended, 0.5)), p99: Math.round(percentile(ended, 0.99)) },
      lagAtRestMs: { p50: Math.round(percentile(alone, 0.5)), p99: Math.round(percentile(alone, 0.99)) },
    };
    console.log(JSON.stringify(figures));
    expect(percentile(ended, 0.99)).toBeLessThan(10_000);
    await regions.close();
  });
});
