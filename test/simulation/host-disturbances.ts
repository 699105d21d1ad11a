// What happens to single hosts of a region that has several, beside crashes and stops: they stand still past their lease, are forgotten by the
// others while they go on, lose sight of each other, come and go.
import type { Chance } from './chance.ts';
import type { Site } from './site.ts';
import type { World } from './world.ts';

export type HostDisturbanceKind = 'host-frozen' | 'host-forgotten' | 'host-cut' | 'host-cut-one-way' | 'host-joins';

export interface HostDisturbance {
  readonly kind: HostDisturbanceKind;
  readonly atMs: number;
  readonly durationMs: number;
  readonly region: number;
}

/** How many hosts each region has, and what befalls them. */
export interface HostProfile {
  readonly count: number;
  readonly lost: number;
  readonly answerLost: number;
  readonly delayed: number;
  readonly disturbances: readonly HostDisturbance[];
}

export const ONE_HOST: HostProfile = { count: 1, lost: 0, answerLost: 0, delayed: 0, disturbances: [] };

export function drawHosts(chance: Chance, count: number | undefined, regionCount: number, runMs: number): HostProfile {
  const drawn = chance.whole(1, 4);
  const hosts = count ?? drawn;
  if (hosts === 1) return ONE_HOST;
  const rate = (most: number): number => (chance.is(0.4) ? chance.between(most / 10, most) : 0);
  return {
    count: hosts,
    lost: rate(0.04),
    answerLost: rate(0.05),
    delayed: rate(0.2),
    disturbances: Array.from({ length: chance.whole(0, 5) }, () => ({
      kind: chance.weighted({
        'host-frozen': 3,
        'host-forgotten': 3,
        'host-cut': 2,
        'host-cut-one-way': 2,
        'host-joins': 1,
      }),
      atMs: chance.between(500, runMs),
      durationMs: chance.between(500, 9_000),
      region: chance.whole(0, regionCount - 1),
    })).sort((a, b) => a.atMs - b.atMs),
  };
}

export async function disturbHost(world: World, disturbance: HostDisturbance): Promise<void> {
  await world.sleep(disturbance.atMs);
  if (world.isQuiet()) return;
  const { kind, durationMs } = disturbance;
  const site = world.sites[disturbance.region] as Site;
  const host = site.pick();
  if (host === undefined) return;
  world.coverage.fault(kind);
  world.tell(`${kind}: ${host.name} for ${Math.round(durationMs)} ms`);
  switch (kind) {
    case 'host-frozen':
      host.env.freeze();
      await world.sleep(durationMs);
      return host.env.thaw();
    case 'host-forgotten':
      host.isForgotten = true;
      await world.sleep(durationMs);
      host.isForgotten = false;
      return;
    case 'host-joins':
      await world.openHost(site);
      return;
    case 'host-cut':
    case 'host-cut-one-way': {
      const others = site.hosts.filter((other) => other !== host);
      const links = others.flatMap((other) => [
        [host.name, other.name] as const,
        ...(kind === 'host-cut' ? [[other.name, host.name] as const] : []),
      ]);
      for (const [from, to] of links) world.cut(from, to, 1);
      await world.sleep(durationMs);
      if (world.isQuiet()) return;
      for (const [from, to] of links) world.cut(from, to, -1);
    }
  }
}
