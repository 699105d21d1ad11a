// Workflows under a store that delays, fails and times out, and a process that dies: from seeds. Clients retry with their request ids; workers lose
// answers. In the end every workflow is closed, with a dense history and every acknowledged signal in it exactly once.
import { History, type HistoryEvent } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { createSimulatedEnv, seededRandom } from '#env';
import type { Fault, StoreCall } from '#persistence';
import {
  completeWorkflow,
  DOMAIN,
  openRegion,
  type Region,
  scheduleActivity,
  startRequest,
  startTimer,
} from './fixture.ts';

const WORKFLOWS = 8;
const SIGNALS = 3;
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const WAIT = { pageSize: 1_000, token: new Uint8Array(0), waitForNewEvent: false, closeEventOnly: false };

class World {
  readonly random;
  region!: Region;
  isFaulty = true;
  readonly idle = new Set<Promise<unknown>>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  plan(call: StoreCall): Fault | undefined {
    if (!this.isFaulty) return undefined;
    const roll = this.random.next();
    if (call.method === 'commit') {
      if (roll < 0.03) return { fail: 'after' };
      if (roll < 0.06) return { fail: 'never' };
      if (roll < 0.09) return { fail: 'before' };
      if (roll < 0.2) return { delayMs: Math.floor(this.random.next() * 200) };
      return undefined;
    }
    if (call.port === 'shards' && roll < 0.02) return { fail: 'before' };
    return roll < 0.1 ? { delayMs: Math.floor(this.random.next() * 20) } : undefined;
  }

  /** Runs a call beside the world's time; its failure is the caller's to see. */
  spawn(work: Promise<unknown>): void {
    const settled: Promise<unknown> = work.then(
      () => this.idle.delete(settled),
      () => this.idle.delete(settled),
    );
    this.idle.add(settled);
  }

  async retry<T>(call: (region: Region) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call(this.region);
      } catch (error) {
        const kind = (error as { kind?: string }).kind;
        const isRetryable = ['Unavailable', 'ShardOwnershipLost', 'ServiceBusy'].includes(kind ?? '');
        if (!isRetryable) throw error;
        await new Promise<void>((resolve) => this.region.env.scheduler.after(100, resolve));
      }
    }
  }
}

const countOf = (events: readonly HistoryEvent[], name: string): number =>
  events.filter(({ attributes }) => attributes?.$case === `${name}EventAttributes`).length;

async function work(world: World, task: Region['matching']['decisions'][number]): Promise<void> {
  const { history, env } = world.region;
  const { task: polled } = await history.recordDecisionTaskStarted(task, {
    requestId: env.random.uuid(),
    identity: 'worker',
    taskList: task.taskList,
  });
  const events = polled.historyBlobs.flatMap((blob) => History.decode(blob).events);
  const scheduled = countOf(events, 'activityTaskScheduled');
  const done = countOf(events, 'activityTaskCompleted');
  const pending = scheduled - done - countOf(events, 'activityTaskTimedOut');
  const decisions = [];
  if (done === 0 && pending === 0) decisions.push(scheduleActivity(`pay-${scheduled}`));
  if (countOf(events, 'timerStarted') === 0) decisions.push(startTimer('t', 5));
  const isDone = done > 0 && countOf(events, 'timerFired') > 0;
  if (isDone && countOf(events, 'workflowExecutionSignaled') >= SIGNALS) decisions.push(completeWorkflow());
  await history.respondDecisionTaskCompleted(
    { ...task, attempt: Number(polled.response.attempt) },
    {
      decisions,
      executionContext: new Uint8Array(0),
      identity: 'worker',
      binaryChecksum: '',
      returnNewDecisionTask: false,
      forceCreateNewDecisionTask: false,
      queryResults: {},
      caller: { clientImpl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1.0.0' },
    },
  );
}

async function act(world: World, task: Region['matching']['activities'][number]): Promise<void> {
  const { history, env } = world.region;
  await history.recordActivityTaskStarted(task, { requestId: env.random.uuid(), identity: 'worker' });
  await history.respondActivityTaskCompleted(task, { identity: 'worker' });
}

function serve(world: World): void {
  const { matching } = world.region;
  for (const task of matching.decisions.splice(0)) world.spawn(work(world, task));
  for (const task of matching.activities.splice(0)) world.spawn(act(world, task));
}

async function crash(world: World): Promise<void> {
  const { matching } = world.region;
  world.isFaulty = false;
  const next = await world.region.restart();
  world.isFaulty = true;
  next.matching.decisions.push(...matching.decisions);
  next.matching.activities.push(...matching.activities);
  world.region = next;
}

async function client(world: World, workflowId: string): Promise<void> {
  await world.retry(({ history }) =>
    history.startWorkflow(startRequest({ workflowId, requestId: `start-${workflowId}` }), { domainId: DOMAIN }),
  );
  for (let index = 0; index < SIGNALS; index++) {
    const signal = { signalName: 's', identity: 'client', requestId: `${workflowId}-${index}` };
    await world.retry(({ history }) => history.signalWorkflow({ domainId: DOMAIN, workflowId, runId: '' }, signal));
  }
}

describe('workflows under faults', () => {
  it.each(SEEDS)('all end well, seed %i', async (seed) => {
    const world = new World(seed);
    const env = createSimulatedEnv({ seed });
    world.isFaulty = false;
    world.region = await openRegion({ env, faults: (call) => world.plan(call) });
    world.isFaulty = true;
    const ids = Array.from({ length: WORKFLOWS }, (_, index) => `order-${index}`);
    const failures: unknown[] = [];
    for (const id of ids) world.spawn(client(world, id).catch((error) => failures.push(error)));
    for (let turn = 0; turn < 400; turn++) {
      await world.region.advance(50);
      serve(world);
      if (world.random.next() < 0.02) await crash(world);
    }
    world.isFaulty = false;
    for (let turn = 0; turn < 600; turn++) {
      await world.region.advance(500);
      serve(world);
    }
    expect(failures).toEqual([]);
    for (const workflowId of ids) {
      const { region } = world;
      const page = await region.settled(region.history.getHistory({ domainId: DOMAIN, workflowId, runId: '' }, WAIT));
      const events = page.historyBlobs.flatMap((blob) => History.decode(blob).events);
      expect(events.map(({ eventId }) => Number(eventId))).toEqual(events.map((_, index) => index + 1));
      expect(events.at(-1)?.attributes?.$case).toBe('workflowExecutionCompletedEventAttributes');
      expect(countOf(events, 'workflowExecutionSignaled')).toBe(SIGNALS);
      expect(countOf(events, 'timerFired')).toBe(1);
    }
    await world.region.settled(world.region.history.stop());
  });

  it('go on when the ids of a range run out', async () => {
    const region = await openRegion({ options: { shardCount: 1 } });
    const rangeId = region.history.shardStatus()[0]!.rangeId;
    await region.settled(region.history.startWorkflow(startRequest(), { domainId: DOMAIN }));
    await region.settled(
      region.history.withWorkflow(DOMAIN, 'other', async (transaction) => {
        const context = transaction.context();
        for (let index = 0; index < 950_000; index++) context.nextTaskId();
      }),
    );
    for (const requestId of ['a', 'b']) {
      const ref = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };
      await region.settled(region.history.signalWorkflow(ref, { signalName: 's', identity: 'c', requestId }));
    }
    expect(region.history.shardStatus()[0]!.rangeId).toBe(rangeId + 1);
  });
});
