// The writer of visibility records: what is written together, and what becomes of records when their store fails or hangs.
import { describe, expect, it } from 'vitest';
import { deferred, StoreError } from '#base';
import { createSimulatedEnv } from '#env';
import type { VisibilityRecord, VisibilityStore } from '#visibility';
import { createVisibilityWriter } from '../../../src/history/visibility-writer.ts';

const record = (runId: string, version: number): VisibilityRecord => ({
  domainId: 'd',
  workflowId: 'w',
  runId,
  workflowType: 'Order',
  taskList: 'orders',
  startTimeMs: 0,
  executionTimeMs: 0,
  closeStatus: 0,
  historyLength: 1,
  isCron: false,
  cronSchedule: '',
  updateTimeMs: 0,
  version,
});

function writerOn(upsert: VisibilityStore['upsert']) {
  const env = createSimulatedEnv({ seed: 1, startMs: 0 });
  const written: string[] = [];
  const unused = (): Promise<never> => Promise.reject(new Error('only written to'));
  const store: VisibilityStore = {
    upsert: async (records) => {
      await upsert(records);
      written.push(...records.map(({ runId, version }) => `${runId}@${version}`));
    },
    remove: unused,
    list: unused,
    count: unused,
    close: unused,
  };
  return { env, written, writer: createVisibilityWriter(env, store, { busyCollectMs: 500 }) };
}

const outcomeOf = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => 'written',
    (error: unknown) => (error instanceof StoreError ? error.kind : String(error)),
  );

describe('the visibility writer', () => {
  it('writes the newest record of each run, once', async () => {
    const { env, writer, written } = writerOn(async () => {});
    const outcomes = [record('a', 2), record('a', 3), record('b', 1), record('a', 1)].map((one) => writer.write(one));
    await env.advance(100);
    await Promise.all(outcomes);
    expect(written).toEqual(['a@3', 'b@1']);
  });

  it('collects longer while it is busy, so that a short run is written once', async () => {
    const { env, writer, written } = writerOn(async () => {});
    const many = Array.from({ length: 8 }, (_, index) => writer.write(record(`r${index}`, 1)));
    await env.advance(60);
    await Promise.all(many);
    expect(written).toHaveLength(8);
    const started = writer.write(record('a', 1));
    await env.advance(400);
    const closed = writer.write(record('a', 2));
    expect(written).toHaveLength(8);
    await env.advance(110);
    await Promise.all([started, closed]);
    expect(written.slice(8)).toEqual(['a@2']);
    const alone = writer.write(record('b', 1));
    await env.advance(60);
    await alone;
    expect(written.slice(9)).toEqual(['b@1']);
  });

  it('gives a failure to those that wait, and tries again for the next', async () => {
    let isDown = true;
    const { env, writer, written } = writerOn(async () => {
      if (isDown) throw new StoreError('Unavailable', 'down');
    });
    const first = outcomeOf(writer.write(record('a', 1)));
    await env.advance(100);
    expect(await first).toBe('Unavailable');
    isDown = false;
    const second = outcomeOf(writer.write(record('a', 1)));
    await env.advance(100);
    expect(await second).toBe('written');
    expect(written).toEqual(['a@1']);
  });

  it('gives records back while a write hangs, and takes them again when it has ended', async () => {
    const hanging = deferred<void>();
    const { env, writer, written } = writerOn(() => hanging.promise);
    const first = outcomeOf(writer.write(record('a', 1)));
    await env.advance(100);
    const second = outcomeOf(writer.write(record('b', 1)));
    await env.advance(3_000);
    expect(await first).toBe('Timeout');
    expect(await second).toBe('Timeout');
    expect(await outcomeOf(writer.write(record('c', 1)))).toBe('Timeout');
    hanging.resolve();
    await env.advance(100);
    const last = outcomeOf(writer.write(record('b', 1)));
    await env.advance(100);
    expect(await last).toBe('written');
    expect(written).toEqual(['a@1', 'b@1']);
  });
});
