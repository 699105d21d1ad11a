// Two visibility stores at once, while moving from one to the other.
import { describe, expect, it } from 'vitest';
import { StoreError } from '#base';
import { createSimulatedEnv } from '#env';
import { createDualVisibility, createMemoryVisibility, type VisibilityRecord, type VisibilityStore } from '#visibility';

const record: VisibilityRecord = {
  domainId: 'd',
  workflowId: 'w',
  runId: 'r',
  workflowType: 'Order',
  taskList: 'orders',
  startTimeMs: 1,
  executionTimeMs: 1,
  closeStatus: 0,
  historyLength: 1,
  isCron: false,
  cronSchedule: '',
  updateTimeMs: 1,
  version: 1,
};

const memory = (): VisibilityStore => createMemoryVisibility(createSimulatedEnv({ seed: 1 }));
const down = (): Promise<never> => Promise.reject(new StoreError('Unavailable', 'down'));
const ids = async (store: VisibilityStore): Promise<string[]> =>
  (await store.list('d', { kind: 'query', query: '' }, { size: 10 })).records.map(({ workflowId }) => workflowId);

describe('two visibility stores', () => {
  it('both get what is written and removed, and one is listed', async () => {
    const [read, other] = [memory(), memory()];
    const both = createDualVisibility(read, other);
    await both.upsert([record]);
    await other.upsert([{ ...record, workflowId: 'x', runId: 'x' }]);
    expect(await ids(both)).toEqual(['w']);
    expect(await both.count('d', '')).toBe(1);
    expect(await other.count('d', '')).toBe(2);
    await both.remove('d', 'w', 'r');
    expect(await ids(read)).toEqual([]);
    expect(await ids(other)).toEqual(['x']);
  });

  it.each(['read', 'other'] as const)('a write is done only when both have it: the %s one is down', async (which) => {
    const broken: VisibilityStore = { ...memory(), upsert: down, remove: down };
    const working = memory();
    const both = which === 'read' ? createDualVisibility(broken, working) : createDualVisibility(working, broken);
    await expect(both.upsert([record])).rejects.toThrow('down');
    // The other has it all the same; its task comes again.
    expect(await ids(working)).toEqual(['w']);
    await expect(both.remove('d', 'w', 'r')).rejects.toThrow('down');
    expect(await ids(working)).toEqual([]);
  });
});
