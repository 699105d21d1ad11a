// tasks-match-state: every task that the state of a run asks for is stored, or was handed on. Timer rows are held to it at any time: a row goes
// only when its work is durable, so what the state derives must be there.
import { TimerTask, TransferTask } from '@antiphon/proto/internal';
import { DEFAULT_LIMITS, type DecideContext, decide, lastWriteVersion, type RunTransition } from '#core';
import type { Violation } from '../support/checkers/index.ts';
import type { RegionAtRest } from './check-world.ts';
import { statesOf } from './rest.ts';
import type { Site } from './site.ts';
import { isOpenRun, isZombieRun, type StoredRun } from './stored-runs.ts';
import { clusterGroup, type World } from './world.ts';

/** A run as its row has it. */
export type HeldRun = Pick<StoredRun, 'domainId' | 'workflowId' | 'runId' | 'state'>;

const SKEW_MS_MAX = 11_000;

interface Rows {
  readonly timers: readonly TimerTask[];
  readonly transfers: readonly TransferTask[];
}

function rowsOf(site: Site): Map<string, Rows> {
  const found = new Map<string, { timers: TimerTask[]; transfers: TransferTask[] }>();
  const of = (runId: string) => {
    let rows = found.get(runId);
    if (rows === undefined) {
      rows = { timers: [], transfers: [] };
      found.set(runId, rows);
    }
    return rows;
  };
  for (const shard of site.image.shards.values()) {
    for (const row of shard.timerTasks.read(
      () => 0,
      () => true,
    )) {
      const task = TimerTask.decode(row.blob);
      of(task.runId).timers.push(task);
    }
    for (const row of shard.transferTasks.read(
      () => 0,
      () => true,
    )) {
      const task = TransferTask.decode(row.blob);
      of(task.runId).transfers.push(task);
    }
  }
  return found;
}

/** The tasks that refreshing the run would make, at the version that it was written with last. */
function derived(world: World, site: Site, run: HeldRun): RunTransition['tasks'] {
  const version = lastWriteVersion(run.state.versionHistories) ?? 0;
  let taskId = 0;
  const context: DecideContext = {
    // Hosts whose clocks go wrong see a retry as due that is not by ours, or the other way round.
    nowMs: world.env.clock.nowMs() + (world.hasSkew ? SKEW_MS_MAX : 0),
    domain: {
      id: run.domainId,
      name: '',
      isGlobal: world.regionNames.length > 1,
      clusters: world.regionNames,
      activeCluster: site.name,
      failoverVersion: version,
      isDeprecated: false,
      retentionDays: 1,
      retentionMs: 0,
      archivesHistory: false,
      archivesVisibility: false,
      archivalDelayMs: 0,
      data: {},
      badBinaries: new Set(),
      isActiveHere: true,
    },
    clusters: clusterGroup(site.name, world.regionNames),
    limits: DEFAULT_LIMITS,
    uuid: () => '00000000-0000-4000-8000-000000000000',
    random: () => 0,
    nextTaskId: () => ++taskId,
  };
  return decide(run.state, { kind: 'refreshTasks' }, context).run.tasks;
}

/** Stored under this condition, the row does the work of the derived one: due no later, and about the same thing. */
function isServedBy(task: TimerTask, row: TimerTask): boolean {
  return row.work?.$case === task.work?.$case && row.fireTimeMs <= task.fireTimeMs;
}

export function checkTimers(world: World, site: Site, runs: readonly HeldRun[]): Violation[] {
  const rows = rowsOf(site);
  const violations: Violation[] = [];
  for (const run of runs) {
    if (!isOpenRun(run) || isZombieRun(run)) continue;
    const stored = rows.get(run.runId)?.timers ?? [];
    for (const task of derived(world, site, run).timer) {
      if (stored.some((row) => isServedBy(task, row))) continue;
      violations.push({
        checker: 'tasks-match-state',
        workflowId: run.workflowId,
        story: `${site.name}: run ${run.runId} needs a ${task.work?.$case} timer at ${task.fireTimeMs}, and no row has it`,
      });
    }
  }
  return violations;
}

/** Timers at any moment: what is durable is whole. */
export function auditTimers(world: World, site: Site): Violation[] {
  const runs = [...statesOf(site.image)].map((state): HeldRun => {
    const { domainId, workflowId, runId } = state.info;
    return { domainId, workflowId, runId, state };
  });
  return checkTimers(world, site, runs);
}

export function checkTasks(world: World, site: Site, region: RegionAtRest): Violation[] {
  const rows = rowsOf(site);
  const violations = checkTimers(world, site, region.stored);
  for (const run of region.stored) {
    if (isOpenRun(run)) continue;
    // A closed run waits for its deletion.
    const stored = rows.get(run.runId)?.timers ?? [];
    if (stored.some(({ work }) => work?.$case === 'deleteHistory')) continue;
    violations.push({
      checker: 'tasks-match-state',
      workflowId: run.workflowId,
      story: `${site.name}: run ${run.runId} is closed and nothing will delete it`,
    });
  }
  return violations;
}
