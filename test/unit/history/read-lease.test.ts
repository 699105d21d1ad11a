// Two hosts, one of which has been replaced and does not know it: nobody is told less than what was acknowledged before he asked.
import { describe, expect, it } from 'vitest';
import { ServiceError } from '#base';
import type { ShardPlacement } from '#history';
import { DOMAIN, openRegion, type Region, start } from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };
const signal = (requestId: string) => ({ signalName: 's', identity: '', requestId });

/** A host that believes what it is told, and claims what nobody hands over. */
function placement(state: { isMine: boolean; handedOver: ReadonlySet<number> }): ShardPlacement {
  return {
    ownerOf: () => (state.isMine ? 'self' : 'other'),
    isMine: () => state.isMine,
    isCurrent: () => true,
    evenShare: () => 1,
    claim: async () => state.handedOver,
    lookNow: async () => {},
    onChange: () => () => {},
  };
}

const open = (given: Partial<Parameters<typeof openRegion>[0]> & { handedOver?: readonly number[] }) =>
  openRegion({
    ...given,
    options: { shardCount: 1 },
    deps: { placement: placement({ isMine: true, handedOver: new Set(given.handedOver ?? []) }) },
  });

const eventCount = async (region: Region): Promise<number | string> => {
  try {
    const { workflowExecutionInfo } = await region.settled(region.history.describeWorkflow(ORDER));
    return Number(workflowExecutionInfo?.historyLength);
  } catch (error) {
    return error instanceof ServiceError ? error.kind : String(error);
  }
};

describe('reads of a shard with several possible owners', () => {
  it('by a replaced owner are refused as soon as its successor may have acknowledged anything', async () => {
    const old = await open({});
    await start(old);
    await old.advance(600);
    expect(await eventCount(old)).toBe(2);
    const owner = await open({ env: old.env, image: old.image });
    const began = old.env.clock.monotonicMs();
    await owner.settled(owner.history.signalWorkflow(ORDER, signal('a')));
    expect(old.env.clock.monotonicMs() - began).toBeGreaterThanOrEqual(480);
    expect(await eventCount(old)).toBe('ShardOwnershipLost');
    expect(await eventCount(owner)).toBe(3);
  });

  it('cost no commit while the last one is recent, and one when it is not', async () => {
    const commits = { count: 0 };
    const region = await open({
      faults: ({ method }) => {
        if (method === 'commit') commits.count++;
        return undefined;
      },
    });
    await start(region);
    await region.advance(600);
    const before = commits.count;
    await eventCount(region);
    expect(commits.count).toBe(before + 1);
    for (let read = 0; read < 20; read++) await eventCount(region);
    expect(commits.count).toBe(before + 1);
  });

  it('that wait for news end on time when there is none, however slow the store is', async () => {
    const store = { delayMs: 0 };
    const region = await open({ faults: ({ method }) => (method === 'commit' ? store : undefined) });
    await start(region);
    const wait = { pageSize: 10, token: new Uint8Array(0), waitForNewEvent: true, closeEventOnly: false };
    const { nextPageToken: token } = await region.settled(region.history.getHistory(ORDER, wait));
    await region.advance(600);
    store.delayMs = 3_000;
    const deadlineMs = region.env.clock.nowMs() + 4_000;
    const page = await region.settled(region.history.getHistory(ORDER, { ...wait, token, deadlineMs }));
    expect([page.historyBlobs.length, page.nextPageToken.length > 0]).toEqual([0, true]);
    expect(region.env.clock.nowMs()).toBeLessThan(deadlineMs);
  });

  it('hold back the word on a write that is durable; when the shard closes meanwhile, the word is that it is unknown', async () => {
    const region = await open({
      faults: ({ method }) => (method === 'loadTransferTasks' ? { delayMs: 200, fail: 'before' } : undefined),
    });
    const kind = start(region).then(
      () => 'done',
      (error: unknown) => (error instanceof ServiceError ? error.kind : String(error)),
    );
    await region.advance(300);
    expect(await region.settled(kind)).toBe('Unavailable');
    expect(region.image.shards.get(0)?.executions.size).toBe(1);
  });

  it('wait for nobody when the shard was handed over', async () => {
    const region = await open({ handedOver: [0] });
    const began = region.env.clock.monotonicMs();
    await start(region);
    expect(region.env.clock.monotonicMs() - began).toBeLessThan(100);
  });
});
