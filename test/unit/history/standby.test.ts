// The passive side: nothing is written, nothing is lost, and a failover makes it go on.
import { describe, expect, it } from 'vitest';
import { applyEvents } from '#core';
import {
  CLUSTERS,
  complete,
  completeWorkflow,
  DOMAIN,
  eventsOf,
  openRegion,
  pollDecision,
  type Region,
  readHistory,
  scheduleActivity,
  start,
  startRequest,
  startTimer,
} from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };

/** Copies the run's batches from one region to the other, as replication does in the plain case. */
async function replicate(from: Region, to: Region, runId: string): Promise<void> {
  const page = await from.settled(
    from.history.getHistory(
      { ...ORDER, runId },
      { pageSize: 1_000, token: new Uint8Array(0), waitForNewEvent: false, closeEventOnly: false },
    ),
  );
  const identity = { domainId: DOMAIN, workflowId: 'order-1', runId, requestId: 'request-1' };
  for (const blob of page.historyBlobs) {
    const events = eventsOf([blob]);
    await to.settled(
      to.history.withWorkflow(DOMAIN, 'order-1', async (transaction) => {
        const state = await transaction.loadRun(runId);
        if (state !== undefined && Number(events[0]!.eventId) < state.info.nextEventId) return;
        const branch = state?.versionHistories.histories[0]?.branch ?? { treeId: runId, branchId: 'b', ancestors: [] };
        const transition = applyEvents(state, { ...identity, branch, events }, transaction.context());
        await transaction.commit({ runs: [{ transition, isNew: state === undefined }] });
      }),
    );
  }
}

async function openPair() {
  const active = await openRegion({ isGlobal: true, activeCluster: 'a', failoverVersion: 1 });
  const passive = await openRegion({
    env: active.env,
    isGlobal: true,
    activeCluster: 'b',
    failoverVersion: 1,
    // Seen from here the other cluster is the active one; versions stay those of `a`, which made the events.
    deps: { clusters: { ...CLUSTERS } },
  });
  return { active, passive };
}

describe('a passive region', () => {
  it('refuses writes and names the active cluster', async () => {
    const { passive } = await openPair();
    await expect(
      passive.settled(passive.history.startWorkflow(startRequest(), { domainId: DOMAIN })),
    ).rejects.toMatchObject({ kind: 'DomainNotActive', activeCluster: 'b', currentCluster: 'a' });
    await expect(readHistory(passive)).rejects.toThrow('Workflow execution not found in non-active cluster');
  });

  it('holds replicated work, shows it in lists, and drops what the events show done', async () => {
    const { active, passive } = await openPair();
    const { runId } = await start(active);
    await replicate(active, passive, runId);
    await passive.advance(200);
    expect(passive.matching.decisions).toHaveLength(0);
    const held = () => passive.history.shardStatus().reduce((sum, shard) => sum + shard.heldTasks, 0);
    expect(held()).toBe(1);
    const { records } = await passive.visibility.list(DOMAIN, { kind: 'query', query: '' }, { size: 10 });
    expect(records).toMatchObject([{ workflowId: 'order-1', closeStatus: 0 }]);
    await complete(active, (await pollDecision(active)).ref, [completeWorkflow()]);
    await replicate(active, passive, runId);
    await passive.advance(200);
    expect(held()).toBe(0);
    const closed = await passive.visibility.list(DOMAIN, { kind: 'query', query: '' }, { size: 10 });
    expect(closed.records).toMatchObject([{ closeStatus: 1 }]);
  });

  it('fires no timer of its own, and after a failover all of them', async () => {
    const { active, passive } = await openPair();
    const { runId } = await start(active);
    await complete(active, (await pollDecision(active)).ref, [startTimer('t', 30), scheduleActivity('pay')]);
    await replicate(active, passive, runId);
    await passive.advance(45_000);
    expect(await readHistory(passive)).toHaveLength(6);
    expect(passive.matching.activities).toHaveLength(0);
    await passive.failover('a', 11);
    await passive.advance(1_000);
    expect(passive.matching.activities).toMatchObject([{ workflowId: 'order-1' }]);
    expect((await readHistory(passive)).slice(-2)).toEqual(['timerFired', 'decisionTaskScheduled']);
    const task = await pollDecision(passive);
    await complete(passive, task.ref, [completeWorkflow()]);
    expect((await readHistory(passive)).at(-1)).toBe('workflowExecutionCompleted');
  });

  it('hands waiting decisions to workers after a failover, also when it was restarted before', async () => {
    const { active, passive } = await openPair();
    const { runId } = await start(active);
    await replicate(active, passive, runId);
    await passive.advance(20_000);
    const restarted = await passive.restart();
    await restarted.advance(200);
    expect(restarted.matching.decisions).toHaveLength(0);
    await restarted.failover('a', 11);
    await restarted.advance(200);
    expect(restarted.matching.decisions).toMatchObject([{ workflowId: 'order-1' }]);
  });

  it('that was active a moment ago keeps what it can no longer do', async () => {
    const region = await openRegion({ isGlobal: true, activeCluster: 'a', failoverVersion: 1 });
    await start(region);
    await complete(region, (await pollDecision(region)).ref, [startTimer('t', 10)]);
    await region.failover('b', 2);
    await region.advance(60_000);
    expect((await readHistory(region)).filter((kind) => kind === 'timerFired')).toHaveLength(0);
    await region.failover('a', 11);
    await region.advance(1_000);
    expect((await readHistory(region)).filter((kind) => kind === 'timerFired')).toHaveLength(1);
  });
});

describe('the replication queue', () => {
  it('offers each batch once committed, from its ack level on after a restart', async () => {
    const region = await openRegion({ isGlobal: true, activeCluster: 'a', options: { shardCount: 1 } });
    const seen: number[] = [];
    let announced = 0;
    const open: {
      load(after: number, limit: number): Promise<readonly { taskId: number }[]>;
      acknowledge(id: number): void;
    }[] = [];
    region.history.onShard((queue) => {
      open.push(queue);
      queue.onNewTasks(() => announced++);
      return () => open.pop();
    });
    await start(region);
    expect(announced).toBe(1);
    const tasks = await region.settled(open[0]!.load(0, 10));
    seen.push(...tasks.map(({ taskId }) => taskId));
    expect(seen).toHaveLength(1);
    open[0]!.acknowledge(seen[0]!);
    await region.advance(20_000);
    const next = await region.restart();
    let ackLevel = 0;
    next.history.onShard((queue) => {
      ackLevel = queue.ackLevel;
      return () => {};
    });
    expect(ackLevel).toBe(seen[0]);
    await next.settled(next.history.stop());
  });
});
