// What of a shard's workflows stays in memory.
import { ExecutionState } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { newState } from '#core';
import { CommitGroup } from '../../../src/history/commit-group.ts';
import { RunEntry, type Slot, WorkflowCache } from '../../../src/history/workflow-cache.ts';
import { complete, completeWorkflow, openRegion, pollDecision, start } from './fixture.ts';

const RECORD_BYTES = 1_000;
// Of a slot with one run.
const SLOT_BYTES = 512 + 1_024 + RECORD_BYTES * 4;

const stateOf = (workflowId: string, state: ExecutionState) => {
  const branch = { treeId: workflowId, branchId: workflowId, ancestors: [] };
  const identity = { domainId: 'd', workflowId, runId: workflowId, branch, requestId: '' };
  const fresh = newState(identity);
  return { ...fresh, info: { ...fresh.info, state } };
};

function cacheOf(slots: number) {
  const cache = new WorkflowCache(slots * SLOT_BYTES);
  const put = (workflowId: string, state: ExecutionState): Slot => {
    const slot = cache.slot('d', workflowId);
    const key = { domainId: 'd', workflowId, runId: workflowId };
    slot.runs.set(workflowId, new RunEntry(key, stateOf(workflowId, state), RECORD_BYTES));
    cache.charge(slot);
    return slot;
  };
  const end = (workflowId: string): void => {
    const slot = cache.slot('d', workflowId);
    const entry = slot.runs.get(workflowId) as RunEntry;
    entry.state = stateOf(workflowId, ExecutionState.EXECUTION_STATE_COMPLETED);
    cache.charge(slot);
  };
  const start = (workflowId: string): Slot => put(workflowId, ExecutionState.EXECUTION_STATE_RUNNING);
  const kept = (prefix: string, count: number): number[] =>
    Array.from({ length: count }, (_, index) => index).filter((index) => cache.peek('d', `${prefix}-${index}`));
  return { cache, start, end, kept };
}

describe('the workflows of a shard in memory', () => {
  it('are the used ones, when not all have room', () => {
    const { cache, start, kept } = cacheOf(32);
    for (let index = 0; index < 32; index++) start(`open-${index}`);
    // Not among the newer three quarters.
    cache.slot('d', 'open-0');
    for (let index = 32; index < 40; index++) start(`open-${index}`);
    expect(kept('open', 40)).toEqual([0, ...Array.from({ length: 31 }, (_, index) => index + 9)]);
    expect(cache.size).toBe(32);
    expect(cache.bytes).toBe(32 * SLOT_BYTES);
  });

  it('keep few of those that are over, the last ones, and all open ones meanwhile', () => {
    const { cache, start, end, kept } = cacheOf(32);
    for (let index = 0; index < 16; index++) start(`open-${index}`);
    for (let index = 0; index < 100; index++) {
      start(`short-${index}`);
      end(`short-${index}`);
    }
    expect(kept('open', 16)).toHaveLength(16);
    expect(kept('short', 100)).toEqual([98, 99]);
    expect(cache.bytes).toBe(18 * SLOT_BYTES);
  });

  it('are known to have ended when they have left, for a while, and not when they are open again', () => {
    const { cache, start, end } = cacheOf(32);
    const hasEnded = (workflowId: string) => cache.hasEnded({ domainId: 'd', workflowId, runId: workflowId });
    const runShort = (from: number, to: number): void => {
      for (let index = from; index < to; index++) {
        start(`short-${index}`);
        expect(hasEnded(`short-${index}`)).toBe(false);
        end(`short-${index}`);
        expect(hasEnded(`short-${index}`)).toBe(true);
      }
    };
    // The last two have not left.
    runShort(0, 4_096 + 2);
    expect(hasEnded('short-0')).toBe(true);
    runShort(4_098, 4_099);
    expect(hasEnded('short-0')).toBe(false);
    expect(hasEnded('short-1')).toBe(true);
    start('short-1');
    expect(hasEnded('short-1')).toBe(false);
  });

  it('keep what is not in the store yet, whatever room it takes', () => {
    const { cache, start, end } = cacheOf(4);
    const group = new CommitGroup();
    const pinned = Array.from({ length: 8 }, (_, index) => {
      const slot = start(`pinned-${index}`);
      group.touch(slot);
      end(`pinned-${index}`);
      return slot;
    });
    expect(pinned.every((slot) => cache.peek('d', slot.workflowId) === slot)).toBe(true);
    for (const slot of pinned) slot.uncommitted = undefined;
    cache.charge(pinned[7] as Slot);
    expect(cache.size).toBe(1);
  });

  it('are live again when a run follows one that is over', () => {
    const { cache, start, end } = cacheOf(32);
    start('chain');
    end('chain');
    const slot = cache.slot('d', 'chain');
    const key = { domainId: 'd', workflowId: 'chain', runId: 'next' };
    slot.runs.set('next', new RunEntry(key, stateOf('next', ExecutionState.EXECUTION_STATE_RUNNING), RECORD_BYTES));
    cache.charge(slot);
    for (let index = 0; index < 20; index++) {
      start(`short-${index}`);
      end(`short-${index}`);
    }
    expect(cache.peek('d', 'chain')).toBe(slot);
  });
});

describe('timers of a run that has ended and left', () => {
  it('come due without a read of the store', async () => {
    const loads: string[] = [];
    const region = await openRegion({
      options: { shardCount: 1, cacheBytes: 64 * 1024 },
      faults: ({ method }) => {
        if (method === 'loadExecution') loads.push(method);
        return undefined;
      },
    });
    for (let index = 0; index < 20; index++) {
      await start(region, { workflowId: `order-${index}`, requestId: `request-${index}` });
      const { ref } = await pollDecision(region);
      await complete(region, ref, [completeWorkflow()]);
    }
    await region.advance(60_000);
    expect(loads).toEqual([]);
    await region.history.describeWorkflow({ domainId: 'domain-id', workflowId: 'order-0', runId: '' });
    expect(loads).toHaveLength(1);
  });
});
