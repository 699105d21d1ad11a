// Random adds, polls, cancels, crashes, handovers, failing store and history, from a seed: no acknowledged task is lost, none reaches two
// polls, and history is never asked to start a task for a poll that is gone.
import { TaskListType } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { unavailable } from '#base';
import { createDomainCache } from '#domains';
import { createSimulatedEnv, type SimulatedEnv, seededRandom, sleep } from '#env';
import type { MatchingService } from '#matching';
import { type Fault, withFaults } from '#persistence';
import { createMemoryStore, type MemoryStore } from '#persistence/memory';
import type { HistoryClient } from '#rpc';
import { domainRecord, GROUP } from '../domains/records.ts';
import {
  createFakeHistory,
  DOMAIN_ID,
  decisionPoll,
  type FakeHistory,
  listOf,
  runIdOf,
  startMatching,
  taskOf,
} from './harness.ts';

interface Host {
  readonly matching: MatchingService;
  readonly store: MemoryStore;
  isAlive: boolean;
}

/** Plain tasks only; tasks of several priorities and fairness keys; and these in a list whose number of partitions changes. */
type Variant = 'plain' | 'lanes' | 'partitions';

class World {
  readonly env: SimulatedEnv;
  readonly random: ReturnType<typeof seededRandom>;
  readonly history: FakeHistory = createFakeHistory();
  readonly image = createMemoryStore().image;
  readonly delivered = new Map<string, number>();
  readonly polls = new Map<string, AbortController>();
  readonly broken: string[] = [];
  hosts: Host[] = [];
  /** Acknowledged adds need no help; the others are history's to add again. */
  readonly unacknowledged = new Set<string>();
  isQuiet = false;
  #count = 0;

  readonly variant: Variant;

  constructor(seed: number, variant: Variant) {
    this.variant = variant;
    this.env = createSimulatedEnv({ seed });
    this.random = seededRandom(seed * 7 + 1);
    this.history.before = async (_run, _request, identity) => {
      if (this.polls.get(identity)?.signal.aborted)
        this.broken.push(`history was asked for ${identity}, which is gone`);
      if (this.chance(0.3)) await sleep(this.env.scheduler, this.pick(30));
      if (this.chance(0.1)) throw unavailable('injected before');
    };
    this.history.after = async () => {
      if (this.chance(0.2)) await sleep(this.env.scheduler, this.pick(30));
      if (this.chance(0.05)) throw unavailable('injected after');
    };
  }

  chance(probability: number): boolean {
    return !this.isQuiet && this.random.next() < probability;
  }

  pick(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  async startHost(): Promise<void> {
    const store = createMemoryStore(this.env, this.image);
    const faulty = withFaults(store, {
      scheduler: this.env.scheduler,
      decide: (call): Fault | undefined => {
        if (call.port !== 'taskLists' && call.port !== 'keyValues') return undefined;
        if (this.chance(0.04)) return { fail: 'before' };
        if (this.chance(0.04)) return { fail: 'after' };
        if (this.chance(0.03)) return { fail: 'never' };
        return this.chance(0.1) ? { answerDelayMs: this.pick(40) } : undefined;
      },
    });
    const domains = createDomainCache({
      env: this.env,
      store: createMemoryStore(undefined, this.image).domains,
      clusters: GROUP,
    });
    await domains.byId(DOMAIN_ID);
    const host: Host = { store, isAlive: true, matching: undefined as unknown as MatchingService };
    // A host that crashed talks to nobody.
    const client = new Proxy(this.history.client, {
      get: (target, name) => {
        if (!host.isAlive) throw unavailable('this host is dead');
        return Reflect.get(target, name);
      },
    }) as HistoryClient;
    const options = {
      bufferedTaskCountMax: 8,
      loadPageSize: 5,
      appendBatchSize: 3,
      leaseCheckMs: 5000,
      // Two owners that both find out by their own progress must not take the lease from each other before it is stored.
      ackFlushMs: 1000,
      laneCountMax: 2,
      laneBufferMax: 3,
      settingsRefreshMs: 100,
    };
    const history = { ...this.history, client } as FakeHistory;
    const matching = startMatching(this.env, faulty, domains, history, options, {
      listSettings: () => ({ readPartitions: this.partitionCount, writePartitions: this.partitionCount }),
    });
    this.hosts.push(Object.assign(host, { matching }));
  }

  crash(): void {
    const host = this.hosts.shift();
    if (host === undefined) return;
    host.isAlive = false;
    host.store.crash();
    for (const controller of this.polls.values()) controller.abort();
  }

  add(runId: string): void {
    const host = this.hosts[this.pick(this.hosts.length)]!;
    this.unacknowledged.add(runId);
    host.matching.addDecisionTask({ ...taskOf(runId), priority: this.#priority() }).then(
      () => {
        if (host.isAlive) this.unacknowledged.delete(runId);
      },
      () => {},
    );
  }

  get partitionCount(): number {
    return this.variant === 'partitions' ? 1 + (Math.floor(this.env.clock.nowMs() / 500) % 3) : 1;
  }

  #priority() {
    if (this.variant === 'plain') return undefined;
    return {
      priority: this.pick(3) * 2 + 1,
      fairnessKey: ['', 'a', 'b', 'c'][this.pick(4)]!,
      fairnessWeight: 1 + this.pick(3),
    };
  }

  poll(waitMs: number, abortAfterMs: number | undefined): void {
    const identity = `poll-${this.#count++}`;
    const controller = new AbortController();
    this.polls.set(identity, controller);
    if (abortAfterMs !== undefined) this.env.scheduler.after(abortAfterMs, () => controller.abort());
    const host = this.hosts[this.pick(this.hosts.length)]!;
    const deadlineMs = this.env.clock.nowMs() + 1000 + waitMs;
    host.matching
      .pollForDecisionTask(decisionPoll(listOf(), identity), { deadlineMs, signal: controller.signal })
      .then(
        (polled) => {
          const run = runIdOf(polled);
          if (run !== '') this.delivered.set(run, (this.delivered.get(run) ?? 0) + 1);
        },
        () => {},
      )
      .finally(() => this.polls.delete(identity));
  }

  /** A task arrives, and within the same instant the polls that wait for one break off. */
  addAndCancel(runId: string): void {
    this.history.pending.add(runId);
    this.poll(200, undefined);
    this.add(runId);
    const turns = this.pick(12);
    const cancel = async (): Promise<void> => {
      for (let i = 0; i < turns; i++) await null;
      for (const controller of this.polls.values()) controller.abort();
    };
    void cancel();
  }

  async step(step: number): Promise<void> {
    const dice = this.random.next();
    if (dice < 0.35) {
      const runId = `run-${step}`;
      this.history.pending.add(runId);
      this.add(runId);
    } else if (dice < 0.7) {
      this.poll(this.pick(200), this.pick(2) === 0 ? this.pick(60) : undefined);
    } else if (dice < 0.9) {
      this.addAndCancel(`run-${step}`);
    } else if (dice < 0.92) {
      this.crash();
      if (this.hosts.length === 0) await this.startHost();
    } else if (dice < 0.95 && this.hosts.length < 2) {
      await this.startHost();
    } else if (dice < 0.97 && this.hosts.length > 1) {
      void this.hosts.shift()?.matching.stop();
    } else {
      for (const runId of this.unacknowledged) this.add(runId);
    }
    await this.env.advance(this.pick(15));
  }

  /** What every owner of the list would find there. */
  async leftInStore(): Promise<number> {
    const { taskLists } = createMemoryStore(undefined, this.image);
    const type = TaskListType.TASK_LIST_TYPE_DECISION;
    const names = ['list', '/__cadence_sys/list/1', '/__cadence_sys/list/2'];
    const counts = await Promise.all(
      names.map((name) => taskLists.loadTaskCount({ domainId: DOMAIN_ID, name, type }, 1000)),
    );
    return counts.reduce((sum, count) => sum + count);
  }

  /** Faults off; workers poll; history adds again what was never acknowledged. */
  async drain(): Promise<void> {
    this.isQuiet = true;
    for (const runId of this.unacknowledged) this.add(runId);
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 40; i++) this.poll(6000, undefined);
      await this.env.advance(8000);
    }
  }
}

async function run(seed: number, variant: Variant): Promise<World> {
  const world = new World(seed, variant);
  await createMemoryStore(undefined, world.image).domains.createDomain(domainRecord({ id: DOMAIN_ID }));
  await world.startHost();
  for (let step = 0; step < 150; step++) await world.step(step);
  await world.drain();
  return world;
}

describe.each(['plain', 'lanes', 'partitions'] as const)('matching under faults, %s', (variant) => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))('loses and doubles no task (seed %i)', async (seed) => {
    const world = await run(seed, variant);
    expect([...world.history.pending], 'lost').toEqual([]);
    expect(
      [...world.delivered].filter(([, count]) => count > 1),
      'delivered twice',
    ).toEqual([]);
    expect(world.broken).toEqual([]);
    expect(await world.leftInStore(), 'left in the store').toBe(0);
    expect([...world.unacknowledged]).toEqual([]);
  });
});
