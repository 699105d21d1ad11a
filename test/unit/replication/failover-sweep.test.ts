import { ExecutionRecord } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { StoreError } from '#base';
import type { DomainView } from '#core';
import { createSimulatedEnv } from '#env';
import type { KeyValueStore, ShardStore } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { createFailoverSweep, type NdcHost } from '#replication';

const branch = { treeId: 't', branchId: 'b', ancestors: [] };
const record = (branches: number): Uint8Array =>
  ExecutionRecord.encode({
    ...ExecutionRecord.decode(new Uint8Array()),
    versionHistories: {
      currentIndex: 0,
      histories: Array.from({ length: branches }, () => ({ branch, items: [{ eventId: 1, version: 1 }] })),
    },
  }).finish();

const run = (domainId: string, workflowId: string, branches: number) => ({
  domainId,
  workflowId,
  runId: 'run',
  record: record(branches),
  nextEventId: 2,
  signalRequestIds: [],
});

function createHarness(keyValues: KeyValueStore = createMemoryStore().keyValues, failures = 0) {
  const env = createSimulatedEnv({ seed: 1 });
  const visited: string[] = [];
  const views = new Map<string, DomainView>();
  const listeners = new Set<(before: DomainView | undefined, after: DomainView) => void>();
  const rows = [run('d1', 'one branch', 1), run('d1', 'two branches', 2), run('d2', 'other domain', 2)];
  let left = failures;
  const shards = {
    listExecutions: async () => {
      if (left-- > 0) throw new StoreError('Unavailable', 'down');
      return { items: rows };
    },
  } as unknown as ShardStore; // The sweep lists, nothing else.
  const host: NdcHost = {
    withWorkflow: async (_domainId, workflowId, work) => {
      visited.push(workflowId);
      return work({
        domainId: 'd1',
        workflowId,
        currentRun: async () => undefined,
        loadRun: async () => undefined,
        readBranch: async () => [],
        context: () => {
          throw new Error('not needed');
        },
        commit: async () => {},
      });
    },
  };
  const view = (id: string, failoverVersion: number): DomainView =>
    ({ id, isGlobal: true, failoverVersion }) as unknown as DomainView;
  const sweep = createFailoverSweep({
    env,
    shards,
    keyValues,
    host,
    domains: {
      byId: async (id) => views.get(id) as DomainView,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    listDomainIds: async () => [...views.keys()],
  });
  const change = (id: string, failoverVersion: number): void => {
    const before = views.get(id);
    const after = view(id, failoverVersion);
    views.set(id, after);
    for (const listener of listeners) listener(before, after);
  };
  return { env, sweep, visited, change, views, view, keyValues };
}

describe('failover sweep', () => {
  it('looks at the runs of a domain that failed over, and only at those that may need it', async () => {
    const { env, sweep, visited, change } = createHarness();
    sweep.start();
    sweep.addShard(1);
    change('d1', 1);
    await env.advance(1_000);
    expect(visited).toEqual([]);
    change('d1', 2);
    await env.advance(1_000);
    expect(visited).toEqual(['two branches']);
    await sweep.stop();
  });

  it('does not repeat a sweep, and makes up for one that a crash cut short', async () => {
    const { keyValues } = createMemoryStore();
    const before = createHarness(keyValues);
    before.sweep.start();
    before.sweep.addShard(1);
    before.change('d1', 1);
    await before.env.advance(1_000);
    before.change('d1', 2);
    await before.env.advance(1_000);
    const after = createHarness(keyValues);
    after.views.set('d1', after.view('d1', 2));
    after.sweep.start();
    after.sweep.addShard(1);
    await after.env.advance(1_000);
    expect(after.visited).toEqual([]);
    const later = createHarness(keyValues);
    later.views.set('d1', later.view('d1', 11));
    later.sweep.start();
    later.sweep.addShard(1);
    await later.env.advance(1_000);
    expect(later.visited).toEqual(['two branches']);
  });

  it('tries again while the store is down, and stops when the shard is lost', async () => {
    const { env, sweep, visited, change } = createHarness(undefined, 3);
    sweep.start();
    const lose = sweep.addShard(1);
    change('d1', 1);
    await env.advance(10);
    change('d1', 2);
    await env.advance(60_000);
    expect(visited).toEqual(['two branches']);
    lose();
    change('d1', 11);
    await env.advance(60_000);
    expect(visited).toHaveLength(1);
  });
});
