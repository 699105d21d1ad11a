import { describe, expect, it } from 'vitest';
import { lastWriteVersion, type WorkflowState } from '#core';
import { flushBuffer } from '../../../replication/ndc/buffered-events.ts';
import { ModelRegion } from './model-region.ts';

async function withBufferedSignal(region: ModelRegion): Promise<WorkflowState> {
  const current = (): WorkflowState => {
    const state = region.currentState('w');
    if (state === undefined) throw new Error('no run');
    return state;
  };
  await region.start('w');
  await region.startDecision(current());
  await region.signal(current(), 'while the decision is in flight');
  expect(current().bufferedEvents).toHaveLength(1);
  return current();
}

describe('events that wait for a decision in flight', () => {
  it('are written out by the region that wrote last', async () => {
    const a = new ModelRegion('a', 1, 1_000_000);
    expect(flushBuffer(await withBufferedSignal(a), a.context())?.state.bufferedEvents).toEqual([]);
  });

  it('are written out by the region that took over with a later version', async () => {
    const a = new ModelRegion('a', 1, 1_000_000);
    const b = new ModelRegion('b', 2, 5_000);
    const state = await withBufferedSignal(a);
    await b.failover(2, 'b');
    const flushed = flushBuffer(state, b.context());
    expect(flushed?.state.bufferedEvents).toEqual([]);
    expect(flushed && flushBuffer(flushed.state, b.context())).toBeUndefined();
    expect(flushed && lastWriteVersion(flushed.state.versionHistories)).toBe(2);
  });

  it('are refused by a region that may not write the run', async () => {
    const a = new ModelRegion('a', 1, 1_000_000);
    const b = new ModelRegion('b', 2, 5_000);
    const state = await withBufferedSignal(a);
    expect(() => flushBuffer(state, b.context())).toThrow('neither wrote last nor may write');
  });
});
