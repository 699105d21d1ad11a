// Runs one seed from boot to verdict. Everything in it is virtual: the same seed gives the same trace, to the byte.
import { createHash } from 'node:crypto';
import { TerminateWorkflowExecutionRequest } from '@antiphon/proto';
import { domainOfRun } from '#core';
import type { Violation } from '../support/checkers/index.ts';
import { auditTimers } from './check-tasks.ts';
import { checkWorld } from './check-world.ts';
import type { Coverage } from './coverage.ts';
import { disturb, keepHostsUp } from './disturbances.ts';
import { disturbHost } from './host-disturbances.ts';
import { type Mutation, NO_MUTATION } from './mutations.ts';
import type { Profile } from './profile.ts';
import { openRuns, unrest } from './rest.ts';
import { runClient } from './simulated-client.ts';
import { startWorker } from './simulated-worker.ts';
import { TENANTS } from './tenants.ts';
import { traceOf } from './trace.ts';
import { World } from './world.ts';

export interface SeedOptions {
  readonly regions?: number | undefined;
  /** Of two regions; drawn when left out. */
  readonly isActiveActive?: boolean | undefined;
  /** Of each region (1). */
  readonly hosts?: number | 'drawn' | undefined;
  readonly mutation?: Mutation | undefined;
  /** For a closer look. */
  readonly onWorld?: ((world: World) => void) | undefined;
}

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly coverage: Coverage;
  readonly story: readonly string[];
  readonly profile: Profile;
  /** Digest of the journal and of all that the stores hold at the end. */
  readonly trace: string;
  readonly virtualMs: number;
  readonly runCount: number;
}

const QUIET_MS_MAX = 5 * 60_000;
const QUIET_STEP_MS = 3_000;
// A run whose virtual time goes on without end is stuck.
const VIRTUAL_MS_MAX = 40 * 60_000;

export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { regions, isActiveActive, hosts = 1, mutation = NO_MUTATION } = options;
  const world = new World(seed, { regions, isActiveActive, hosts, mutation });
  options.onWorld?.(world);
  const onRejection = (error: unknown): void => world.createWatch().guarded(() => Promise.reject(error)) as never;
  process.on('unhandledRejection', onRejection);
  try {
    await drive(world, play(world));
    const { violations, runs } = await drive(world, checkWorld(world));
    world.end();
    return {
      seed,
      violations: [...world.reported, ...violations],
      coverage: world.coverage,
      story: world.story,
      profile: world.profile,
      trace: createHash('sha256').update(traceOf(world)).digest('hex'),
      virtualMs: world.env.clock.monotonicMs(),
      runCount: runs,
    };
  } finally {
    for (const site of world.sites) for (const host of [...site.hosts]) site.crash(host);
    await world.env.settle();
    process.off('unhandledRejection', onRejection);
  }
}

/** Lets virtual time pass until the work is done. */
async function drive<T>(world: World, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  await world.env.settle();
  while (!isDone) {
    if (world.env.clock.monotonicMs() > VIRTUAL_MS_MAX) throw new Error('virtual time runs out: something never ends');
    await world.env.advance(100);
  }
  return work;
}

async function play(world: World): Promise<void> {
  await world.boot();
  world.beLoud();
  for (const regionName of world.regionNames) {
    for (const tenant of TENANTS) {
      for (let index = 0; index < 2; index++) startWorker(world, { regionName, tenant, index }, world.createWatch());
    }
  }
  const clients: Promise<void>[] = [];
  for (const tenant of TENANTS) {
    for (let index = 0; index < world.profile.clientCount; index++) {
      const watch = world.createWatch();
      clients.push(watch.guarded(() => runClient(world, tenant, index, watch)));
    }
  }
  const disturbances = world.profile.disturbances.map((disturbance) => disturb(world, disturbance));
  disturbances.push(...world.profile.hosts.disturbances.map((disturbance) => disturbHost(world, disturbance)));
  const keeper = keepHostsUp(world);
  await auditUntil(world, world.profile.runMs);
  await world.beQuiet();
  await Promise.all([...clients, ...disturbances, keeper]);
  await world.beQuiet();
  await comeToRest(world);
}

const AUDIT_MS = 4_000;

/** Lets the loud phase pass, with a look at what is durable now and then. */
async function auditUntil(world: World, runMs: number): Promise<void> {
  for (let leftMs = runMs; leftMs > 0; leftMs -= AUDIT_MS) {
    await world.sleep(Math.min(leftMs, AUDIT_MS));
    for (const site of world.sites) for (const found of auditTimers(world, site)) world.reported.push(found);
    if (world.reported.length > 0) return;
  }
}

/** Workers go on until nothing changes; schedules, which never end by themselves, are ended. */
async function comeToRest(world: World): Promise<void> {
  const watch = world.createWatch();
  const untilMs = world.env.clock.monotonicMs() + QUIET_MS_MAX;
  let why: string | undefined;
  while (world.env.clock.monotonicMs() < untilMs) {
    why = await unrest(world);
    if (why === undefined) {
      world.tell('at rest');
      // Retention is jittered by up to a twenty-fourth.
      if (world.profile.waitsForRetention) await world.sleep(world.profile.retentionMs * 1.05 + 12_000);
      return;
    }
    for (const site of world.sites) {
      for (const { info } of openRuns(site.image).filter((state) => state.info.cronSchedule !== '')) {
        const host = site.pick();
        if (host === undefined) continue;
        const domain = await host.region.domains.byId(info.domainId);
        if (!domainOfRun(domain, info.activeClusterSelectionPolicy).isActiveHere) continue;
        const request = TerminateWorkflowExecutionRequest.fromPartial({
          domain: domain.name,
          workflowExecution: { workflowId: info.workflowId, runId: '' },
          reason: 'end of the simulation',
        });
        await watch.attempt('terminate', () => host.client('').workflow.terminateWorkflowExecution(request));
      }
    }
    await world.sleep(QUIET_STEP_MS);
  }
  world.report('no-lost-work', '', `the world does not come to rest: ${why}`);
}
