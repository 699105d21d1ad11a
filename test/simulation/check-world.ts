// The verdict on a world at rest: every checker over the journal and what the stores hold. Where a store has let go of a run (retention), the
// run as it was then stands in for it.
import { createArchiveInspector } from '#archival';
import { createMemoryStore } from '#persistence/memory';
import {
  archivedBeforeDeleted,
  archiveVerifies,
  historyWellformed,
  Journal,
  journalKept,
  kindOf,
  type RunSnapshot,
  type Violation,
} from '../support/checkers/index.ts';
import { checkCurrentRows, checkSignalRequestIds } from './check-current-rows.ts';
import { checkReplicas } from './check-replicas.ts';
import { checkTasks } from './check-tasks.ts';
import { checkTenants } from './check-tenants.ts';
import { checkVisibility } from './check-visibility.ts';
import { isOpenRun, isZombieRun, readRuns, type StoredRun } from './stored-runs.ts';
import { ARCHIVE_URI, ARCHIVING_TENANT, TENANTS } from './tenants.ts';
import type { World } from './world.ts';

/** One region at rest. */
export interface RegionAtRest {
  readonly name: string;
  readonly stored: readonly StoredRun[];
  /** Stored and deleted ones. */
  readonly all: readonly StoredRun[];
}

export const snapshotOf = (run: StoredRun): RunSnapshot => ({
  workflowId: run.workflowId,
  runId: run.runId,
  events: run.events,
  isOpen: isOpenRun(run),
  pending: {
    decision: run.state.info.decision !== undefined,
    activities: run.state.activities.size,
    children: run.state.children.size,
  },
  elsewhere: [...run.otherBranches.flatMap(({ events }) => events), ...run.state.bufferedEvents],
});

export async function checkWorld(world: World): Promise<{ violations: Violation[]; runs: number }> {
  const violations: Violation[] = [];
  const regions: RegionAtRest[] = [];
  for (const [index, site] of world.sites.entries()) {
    const stored = await readRuns(site.image);
    const storedIds = new Set(stored.map(({ runId }) => runId));
    const deleted = [...(world.deleted[index]?.runs.values() ?? [])].filter(({ runId }) => !storedIds.has(runId));
    regions.push({ name: site.name, stored, all: [...stored, ...deleted] });
  }
  const domainIds = await domainIdsOf(world);
  for (const region of regions) {
    violations.push(...unreadable(region), ...lostWork(region));
    for (const run of region.stored) for (const event of run.events) world.coverage.event(kindOf(event));
  }
  for (const tenant of TENANTS) {
    const domainId = domainIds.get(tenant) ?? '';
    const journal = new Journal();
    journal.entries.push(...world.journal.entries.filter(({ domain }) => domain === tenant));
    const named = (found: Violation[]): Violation[] =>
      found.map((violation) => ({ ...violation, workflowId: `${tenant}/${violation.workflowId}` }));
    const ofTenant = regions.map((region) => region.all.filter((run) => run.domainId === domainId));
    violations.push(...named(journalKept(journal, merged(ofTenant))));
    for (const [index, runs] of ofTenant.entries()) {
      const prefix = world.sites[index]?.name ?? '';
      const readable = runs.filter(({ problem }) => problem === undefined);
      const found = historyWellformed(readable.filter((run) => !isZombieRun(run)).map(snapshotOf));
      violations.push(...named(found.map((one) => ({ ...one, story: `${prefix}: ${one.story}` }))));
    }
  }
  for (const site of world.sites) {
    const region = regions.find(({ name }) => name === site.name) as RegionAtRest;
    violations.push(...checkCurrentRows(site, region), ...checkTasks(world, site, region));
    violations.push(...checkVisibility(site, region), ...checkSignalRequestIds(region));
    violations.push(...(await checkArchive(world, site.name, domainIds.get(ARCHIVING_TENANT) ?? '')));
  }
  violations.push(...checkTenants(regions, domainIds));
  if (regions.length === 2) violations.push(...checkReplicas(world, regions[0]!, regions[1]!));
  return { violations, runs: new Set(regions.flatMap(({ all }) => all.map(({ runId }) => runId))).size };
}

async function domainIdsOf(world: World): Promise<Map<string, string>> {
  const { domains } = createMemoryStore(undefined, world.sites[0]!.image);
  const records = await domains.listDomains();
  return new Map(records.map(({ domain }) => [domain?.name ?? '', domain?.id ?? '']));
}

/** A call may have been taken by either region: an effect counts wherever it stands, once per run. */
function merged(regions: readonly (readonly StoredRun[])[]): RunSnapshot[] {
  const byRun = new Map<string, RunSnapshot>();
  for (const run of regions.flat()) {
    const snapshot = snapshotOf(run);
    const known = byRun.get(run.runId);
    if (known === undefined) {
      byRun.set(run.runId, snapshot);
      continue;
    }
    const longer = known.events.length >= snapshot.events.length ? known : snapshot;
    const shorter = longer === known ? snapshot : known;
    const elsewhere = [...(known.elsewhere ?? []), ...(snapshot.elsewhere ?? []), ...shorter.events];
    byRun.set(run.runId, { ...longer, elsewhere });
  }
  return [...byRun.values()];
}

const unreadable = (region: RegionAtRest): Violation[] =>
  region.all
    .filter(({ problem }) => problem !== undefined)
    .map(({ workflowId, runId, problem }) => ({
      checker: 'history-wellformed',
      workflowId,
      story: `${region.name}: run ${runId} ${problem}`,
    }));

/** With live workers and no faults, every run that is not a schedule ends. */
const lostWork = (region: RegionAtRest): Violation[] =>
  region.stored.filter(isOpenRun).map((run) => {
    const { info, activities, timers, children, signals, requestCancels } = run.state;
    const pending = [
      info.decision === undefined ? '' : `decision ${info.decision.scheduleId} (started ${info.decision.startedId})`,
      ...[...activities.values()].map(({ activityId, startedId }) => `activity ${activityId} (started ${startedId})`),
      ...[...timers.keys()].map((timerId) => `timer ${timerId}`),
      ...[...children.values()].map(({ workflowId }) => `child ${workflowId}`),
      ...[...signals.keys()].map((initiatedId) => `signal of event ${initiatedId} to another run`),
      ...[...requestCancels.keys()].map((initiatedId) => `cancel of event ${initiatedId} of another run`),
    ].filter((text) => text !== '');
    const rest = isZombieRun(run) ? 'a zombie that nobody ends' : `open; pending: ${pending.join(', ') || 'nothing'}`;
    return {
      checker: 'no-lost-work',
      workflowId: run.workflowId,
      story: `${region.name}: run ${run.runId} is ${rest}; last event ${run.events.length} ${kindOf(run.events.at(-1))}`,
    };
  });

async function checkArchive(world: World, region: string, domainId: string): Promise<Violation[]> {
  const site = world.site(region);
  const inspector = createArchiveInspector(
    { blobs: { open: () => world.blobStore }, keyValues: createMemoryStore(undefined, site.image).keyValues },
    { cluster: region },
  );
  const deleted = world.deleted.find((candidate) => candidate.region === region);
  const archiving = [...(deleted?.runs.values() ?? [])].filter((run) => run.domainId === domainId);
  return [
    ...archivedBeforeDeleted(region, archiving),
    ...(await archiveVerifies(region, inspector, { uri: ARCHIVE_URI, domainId })),
  ];
}
