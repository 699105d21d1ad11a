// What one seed means: size of the world, which faults there are and how often each strikes. Drawn once, before anything runs.
import type { Chance } from './chance.ts';
import { drawHosts, type HostProfile } from './host-disturbances.ts';

export interface Rates {
  /** Of calls of clients and workers to a frontend. */
  readonly messageLost: number;
  readonly answerLost: number;
  readonly messageDuplicated: number;
  readonly messageLateDuplicate: number;
  readonly messageDelayed: number;
  /** Of calls between regions. */
  readonly regionMessageLost: number;
  readonly regionAnswerLost: number;
  readonly regionMessageDelayed: number;
  readonly replicationDuplicated: number;
  readonly replicationReordered: number;
  readonly storeFailsBefore: number;
  readonly storeTimeoutApplied: number;
  readonly storeTimeoutLost: number;
  readonly storeSlow: number;
  readonly storeReadFails: number;
  readonly consumerCrash: number;
  readonly archivePutFails: number;
  readonly archivePutAnswerLost: number;
  readonly archiveGetFails: number;
  readonly visibilityFails: number;
  readonly workerSilent: number;
}

export const NO_RATES: Rates = {
  messageLost: 0,
  answerLost: 0,
  messageDuplicated: 0,
  messageLateDuplicate: 0,
  messageDelayed: 0,
  regionMessageLost: 0,
  regionAnswerLost: 0,
  regionMessageDelayed: 0,
  replicationDuplicated: 0,
  replicationReordered: 0,
  storeFailsBefore: 0,
  storeTimeoutApplied: 0,
  storeTimeoutLost: 0,
  storeSlow: 0,
  storeReadFails: 0,
  consumerCrash: 0,
  archivePutFails: 0,
  archivePutAnswerLost: 0,
  archiveGetFails: 0,
  visibilityFails: 0,
  workerSilent: 0,
};

// The most that a rate may be drawn.
const RATES_MAX: Rates = {
  messageLost: 0.04,
  answerLost: 0.06,
  messageDuplicated: 0.1,
  messageLateDuplicate: 0.05,
  messageDelayed: 0.2,
  regionMessageLost: 0.1,
  regionAnswerLost: 0.1,
  regionMessageDelayed: 0.3,
  replicationDuplicated: 0.3,
  replicationReordered: 0.3,
  storeFailsBefore: 0.01,
  storeTimeoutApplied: 0.015,
  storeTimeoutLost: 0.01,
  storeSlow: 0.05,
  storeReadFails: 0.01,
  consumerCrash: 0.05,
  archivePutFails: 0.3,
  archivePutAnswerLost: 0.2,
  archiveGetFails: 0.1,
  visibilityFails: 0.1,
  workerSilent: 0.05,
};

export type DisturbanceKind =
  | 'host-crash'
  | 'host-stop'
  | 'second-owner'
  | 'partition'
  | 'partition-one-way'
  | 'region-lost'
  | 'clock-jump'
  | 'failover'
  | 'failover-graceful';

export interface Disturbance {
  readonly kind: DisturbanceKind;
  readonly atMs: number;
  readonly durationMs: number;
  /** Index of the region it strikes (or of the failover's target). */
  readonly region: number;
  readonly domain: number;
}

export interface Profile {
  readonly regionCount: number;
  readonly shardCount: number;
  readonly workflowCount: number;
  readonly clientCount: number;
  readonly runMs: number;
  readonly opIntervalMs: number;
  readonly retentionMs: number;
  readonly cacheBytes: number;
  readonly clockSkewMs: number;
  readonly usesSticky: boolean;
  /** At rest, time goes on until retention has taken the closed runs of the archiving tenant. */
  readonly waitsForRetention: boolean;
  /** The tenants' workflows are active in both regions, by cluster attribute. */
  readonly isActiveActive: boolean;
  readonly hosts: HostProfile;
  readonly rates: Rates;
  readonly disturbances: readonly Disturbance[];
}

/** A weight of 0 leaves the kind out of this seed. */
function drawnWeights(chance: Chance, weights: Readonly<Record<DisturbanceKind, number>>) {
  const kept = Object.entries(weights).map(([kind, weight]) => [kind, chance.is(0.6) ? weight : 0] as const);
  return Object.fromEntries(kept) as Record<DisturbanceKind, number>;
}

function drawDisturbances(chance: Chance, regionCount: number, runMs: number): Disturbance[] {
  const isTwo = regionCount > 1;
  const weights = drawnWeights(chance, {
    'host-crash': 4,
    'host-stop': 1,
    'second-owner': 2,
    'clock-jump': 1,
    partition: isTwo ? 2 : 0,
    'partition-one-way': isTwo ? 2 : 0,
    'region-lost': isTwo ? 1.5 : 0,
    failover: isTwo ? 5 : 0,
    'failover-graceful': isTwo ? 1 : 0,
  });
  if (Object.values(weights).every((weight) => weight === 0)) return [];
  return Array.from({ length: chance.whole(0, isTwo ? 8 : 5) }, () => ({
    kind: chance.weighted(weights),
    atMs: chance.between(500, runMs),
    durationMs: chance.between(500, 15_000),
    region: chance.whole(0, regionCount - 1),
    domain: chance.whole(0, 1),
  })).sort((a, b) => a.atMs - b.atMs);
}

export function drawProfile(
  chance: Chance,
  regions: number | undefined,
  isActiveActive: boolean | undefined = undefined,
  /** Of each region; undefined: drawn. */
  hosts: number | undefined = 1,
): Profile {
  const regionCount = regions ?? (chance.is(0.6) ? 2 : 1);
  const runMs = chance.whole(8_000, 22_000);
  // A quiet seed now and then: what fails in it fails without any fault.
  const isCalm = chance.is(0.08);
  const rates = Object.fromEntries(
    Object.entries(RATES_MAX).map(([name, most]) => [
      name,
      !isCalm && chance.is(0.45) ? chance.between(most / 10, most) : 0,
    ]),
  ) as unknown as Rates;
  return {
    regionCount,
    shardCount: chance.whole(1, 4),
    workflowCount: chance.whole(3, 8),
    clientCount: chance.whole(2, 3),
    runMs,
    opIntervalMs: chance.whole(300, 1_500),
    retentionMs: 45_000,
    cacheBytes: chance.is(0.4) ? 24 * 1024 : 16 * 1024 * 1024,
    clockSkewMs: !isCalm && chance.is(0.4) ? chance.between(200, 5_000) : 0,
    usesSticky: chance.is(0.6),
    waitsForRetention: chance.is(0.35),
    // A stream of its own: what was drawn before this was is drawn as it was.
    hosts: drawHosts(chance.fork('hosts'), hosts, regionCount, runMs),
    isActiveActive: regionCount > 1 && (isActiveActive ?? chance.fork('active-active').is(0.3)),
    rates: isCalm ? NO_RATES : rates,
    disturbances: isCalm && chance.is(0.5) ? [] : drawDisturbances(chance, regionCount, runMs),
  };
}
