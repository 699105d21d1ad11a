// Makes the profile's disturbances happen at their times.
import type { Disturbance } from './profile.ts';
import type { Site } from './site.ts';
import { TENANTS } from './tenants.ts';
import type { World } from './world.ts';

const RESTART_MS_MAX = 2_000;

export async function disturb(world: World, disturbance: Disturbance): Promise<void> {
  await world.sleep(disturbance.atMs);
  if (world.isQuiet()) return;
  const site = world.sites[disturbance.region] as Site;
  const other = world.sites[(disturbance.region + 1) % world.sites.length] as Site;
  world.tell(`${disturbance.kind} in ${site.name} for ${Math.round(disturbance.durationMs)} ms`);
  switch (disturbance.kind) {
    case 'host-crash':
      return crashHost(world, site, disturbance.durationMs);
    case 'host-stop':
      return stopHost(world, site);
    case 'second-owner':
      return secondOwner(world, site, disturbance.durationMs);
    case 'partition':
      world.coverage.fault('region-partition');
      return cut(world, disturbance.durationMs, [
        [site.name, other.name],
        [other.name, site.name],
      ]);
    case 'partition-one-way':
      world.coverage.fault('region-partition-one-way');
      return cut(world, disturbance.durationMs, [[site.name, other.name]]);
    case 'region-lost':
      return loseRegion(world, site, disturbance.durationMs);
    case 'clock-jump':
      world.coverage.fault('clock-jump');
      for (const host of site.hosts) host.env.setSkew(world.chance.between(-5_000, 5_000));
      return;
    case 'failover':
    case 'failover-graceful':
      return failOver(world, disturbance, site, other);
  }
}

async function reopen(world: World, site: Site): Promise<void> {
  if (world.isQuiet() || site.hosts.length >= world.profile.hosts.count || world.isLost(site.name)) return;
  await world.openHost(site);
}

async function crashHost(world: World, site: Site, downMs: number): Promise<void> {
  const host = site.pick();
  if (host === undefined) return;
  world.coverage.fault('host-crash');
  world.tell(`${host.name} crashes`);
  site.crash(host);
  await world.sleep(Math.min(downMs, RESTART_MS_MAX));
  await reopen(world, site);
}

async function stopHost(world: World, site: Site): Promise<void> {
  const host = site.pick();
  if (host === undefined) return;
  world.coverage.fault('host-stop');
  world.tell(`${host.name} stops`);
  await site.stop(host);
  await reopen(world, site);
}

async function secondOwner(world: World, site: Site, durationMs: number): Promise<void> {
  // Hosts that know each other are no two owners: see host-disturbances.ts.
  if (site.hosts.length !== 1 || world.profile.hosts.count > 1) return;
  world.coverage.fault('second-owner');
  await world.openHost(site);
  await world.sleep(durationMs);
  if (site.hosts.length < 2) return;
  const host = site.pick();
  if (host === undefined) return;
  const crashes = world.chance.is(0.5);
  world.tell(`${host.name} ${crashes ? 'crashes' : 'stops'}`);
  if (crashes) site.crash(host);
  else await site.stop(host);
}

async function cut(world: World, durationMs: number, links: readonly (readonly [string, string])[]): Promise<void> {
  for (const [from, to] of links) world.cut(from, to, 1);
  await world.sleep(durationMs);
  if (world.isQuiet()) return;
  for (const [from, to] of links) world.cut(from, to, -1);
}

async function loseRegion(world: World, site: Site, durationMs: number): Promise<void> {
  if (world.isLost(site.name)) return;
  world.coverage.fault('region-lost');
  world.setLost(site.name, true);
  for (const host of [...site.hosts]) site.crash(host);
  await world.sleep(durationMs);
  world.setLost(site.name, false);
  for (let opened = 0; opened < world.profile.hosts.count; opened++) await reopen(world, site);
}

async function failOver(world: World, disturbance: Disturbance, site: Site, other: Site): Promise<void> {
  const domain = TENANTS[disturbance.domain] as string;
  // An active-active domain has no graceful failover.
  const isGraceful = disturbance.kind === 'failover-graceful' && !world.profile.isActiveActive;
  world.coverage.fault(isGraceful ? 'failover-graceful' : 'failover-forced');
  if (world.isCut(site.name, other.name) || world.isCut(other.name, site.name) || world.isLost(other.name)) {
    world.coverage.fault('failover-partitioned');
  }
  if (world.profile.isActiveActive) {
    world.coverage.fault('failover-attribute');
    return world.failoverAttribute(domain, site.name);
  }
  await world.failover(domain, site.name, isGraceful ? 3 : undefined);
}

/** Opens a host where a crash that nobody planned has left none. */
export async function keepHostsUp(world: World): Promise<void> {
  while (!world.isQuiet()) {
    for (const site of world.sites) {
      if (site.hosts.length < world.profile.hosts.count && !world.isLost(site.name)) {
        await world.sleep(300);
        await reopen(world, site);
      }
    }
    await world.sleep(700);
  }
}
