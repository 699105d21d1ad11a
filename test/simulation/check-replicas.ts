// replicas-agree: once everything is replicated, both regions tell the same of every run: version histories, current branch, events to the byte,
// and the state apart from what is local. Nothing waits in a dead letter queue.
//
// What a forced failover may take, precisely: an event that a region acknowledged and the other had not received is not in the current
// branch when the other one has written meanwhile with a later version. It stays in a branch of its own, in both regions, and its signals are
// added again to the run that counts, unless that run was closed before it ever completed a decision (it can't be reset), or the signal
// named a run that is not the one that counts any more and has itself been deleted.
import { type ActivityInfo, DomainRecord, ExecutionState } from '@antiphon/proto/internal';
import type { WorkflowState } from '#core';
import { currentVersionHistory } from '#core';
import { eventBytes, kindOf, type Violation } from '../support/checkers/index.ts';
import type { RegionAtRest } from './check-world.ts';
import type { StoredRun } from './stored-runs.ts';
import type { World } from './world.ts';

export function checkReplicas(world: World, a: RegionAtRest, b: RegionAtRest): Violation[] {
  const violations: Violation[] = [];
  const report = (workflowId: string, story: string): void => {
    violations.push({ checker: 'replicas-agree', workflowId, story });
  };
  const inB = new Map(b.all.map((run) => [run.runId, run]));
  for (const run of a.all) {
    const other = inB.get(run.runId);
    inB.delete(run.runId);
    if (other === undefined) {
      report(run.workflowId, `run ${run.runId} (${run.events.length} events) is in ${a.name} and not in ${b.name}`);
      continue;
    }
    const difference = differenceOf(run, other);
    if (difference !== undefined) report(run.workflowId, `run ${run.runId} in ${a.name} and ${b.name}: ${difference}`);
  }
  for (const run of inB.values()) {
    report(run.workflowId, `run ${run.runId} (${run.events.length} events) is in ${b.name} and not in ${a.name}`);
  }
  violations.push(...currentRuns(world), ...domainRecords(world), ...deadLetters(world));
  return violations;
}

const itemsText = (items: readonly { eventId: number; version: number }[]): string =>
  items.map(({ eventId, version }) => `${eventId}@${version}`).join(' ');

function differenceOf(a: StoredRun, b: StoredRun): string | undefined {
  const [left, right] = [
    currentVersionHistory(a.state.versionHistories),
    currentVersionHistory(b.state.versionHistories),
  ];
  if (itemsText(left.items) !== itemsText(right.items)) {
    return `current branches ${itemsText(left.items)} and ${itemsText(right.items)}`;
  }
  const at = a.events.findIndex((event, index) => {
    const other = b.events[index];
    return other === undefined || eventBytes(event) !== eventBytes(other);
  });
  if (at >= 0 || a.events.length !== b.events.length) {
    const [one, two] = [a.events[at], b.events[at]];
    return `event ${at + 1} is ${kindOf(one)} (version ${one?.version}) and ${kindOf(two)} (version ${two?.version})`;
  }
  const [mine, theirs] = [branchesText(a), branchesText(b)];
  if (mine !== theirs) return `other branches [${mine}] and [${theirs}]`;
  const [one, two] = [JSON.stringify(sharedState(a.state)), JSON.stringify(sharedState(b.state))];
  if (one === two) return undefined;
  return `state ${firstDifference(sharedState(a.state), sharedState(b.state))}`;
}

const branchesText = (run: StoredRun): string =>
  run.otherBranches
    .map(({ items }) => itemsText(items))
    .sort()
    .join('; ');

function firstDifference(a: Record<string, unknown>, b: Record<string, unknown>): string {
  for (const key of Object.keys(a)) {
    const [left, right] = [JSON.stringify(a[key]), JSON.stringify(b[key])];
    if (left !== right) return `${key}: ${left} and ${right}`;
  }
  return 'differs';
}

/**
 * The state without what is local: when and by what it was written here, sticky lists, the decision in flight (attempts and times), request
 * ids, branch ids and sizes, timers' task bits, buffered events.
 */
function sharedState(state: WorkflowState): Record<string, unknown> {
  const { info } = state;
  const isClosed = info.state === ExecutionState.EXECUTION_STATE_COMPLETED;
  return {
    state: info.state,
    closeStatus: info.closeStatus,
    nextEventId: info.nextEventId,
    lastFirstEventId: info.lastFirstEventId,
    lastEventTaskId: info.lastEventTaskId,
    lastProcessedEventId: info.lastProcessedEventId,
    startTimeMs: info.startTimeMs,
    closeTimeMs: info.closeTimeMs,
    workflowType: info.workflowType,
    taskList: info.taskList?.name,
    executionTimeoutSeconds: info.executionTimeoutSeconds,
    taskTimeoutSeconds: info.taskTimeoutSeconds,
    firstExecutionRunId: info.firstExecutionRunId,
    originalExecutionRunId: info.originalExecutionRunId,
    parent: info.parent?.workflowExecution,
    signalCount: info.signalCount,
    cancelRequested: info.cancelRequested,
    attempt: info.attempt,
    expirationTimeMs: info.expirationTimeMs,
    cronSchedule: info.cronSchedule,
    memo: Object.keys(info.memo?.fields ?? {}).sort(),
    searchAttributes: Object.keys(info.searchAttributes?.indexedFields ?? {}).sort(),
    hasProcessedOrPendingDecision: info.hasProcessedOrPendingDecision,
    // What an ended run had pending is left as it was known last.
    activities: isClosed ? [] : [...state.activities.values()].map(sharedActivity),
    timers: [...state.timers.values()].map(({ timerId, startedId, expiryTimeMs }) => [
      timerId,
      startedId,
      expiryTimeMs,
    ]),
    children: [...state.children.values()].map(({ initiatedId, startedId, workflowId, runId }) => [
      initiatedId,
      startedId,
      workflowId,
      runId,
    ]),
    requestCancels: [...state.requestCancels.keys()],
    signals: [...state.signals.keys()],
  };
}

const sharedActivity = (activity: Readonly<ActivityInfo>): readonly unknown[] => [
  activity.scheduleId,
  activity.activityId,
  activity.cancelRequested,
  activity.attempt,
];

function currentRuns(world: World): Violation[] {
  const [a, b] = world.sites;
  if (a === undefined || b === undefined) return [];
  const rowsOf = (site: typeof a): Map<string, string> =>
    new Map(
      [...site.image.shards.values()].flatMap(({ currentRuns }) =>
        [...currentRuns].map(([key, row]): [string, string] => [key, row.runId]),
      ),
    );
  const [inA, inB] = [rowsOf(a), rowsOf(b)];
  const violations: Violation[] = [];
  for (const [key, runId] of inA) {
    const other = inB.get(key);
    // Retention takes the row with its run, in each region at its own time.
    if (other === undefined || other === runId) continue;
    violations.push({
      checker: 'replicas-agree',
      workflowId: key,
      story: `the current run is ${runId} in ${a.name} and ${other} in ${b.name}`,
    });
  }
  return violations;
}

function domainRecords(world: World): Violation[] {
  const [a, b] = world.sites;
  if (a === undefined || b === undefined) return [];
  const textOf = (blob: Uint8Array | undefined): string => {
    if (blob === undefined) return 'unknown';
    const { domain } = DomainRecord.decode(blob);
    const scopes = Object.values(domain?.activeClusters?.activeClustersByClusterAttribute ?? {});
    const attributes = scopes.flatMap(({ clusterAttributes }) =>
      Object.entries(clusterAttributes).map(
        ([name, info]) => `, ${name} in ${info.activeClusterName} since ${info.failoverVersion}`,
      ),
    );
    const where = `active in ${domain?.activeClusterName} since version ${domain?.failoverVersion}`;
    return [where, ...attributes.sort()].join('');
  };
  return [...a.image.domains].flatMap(([id, blob]) => {
    const [left, right] = [textOf(blob), textOf(b.image.domains.get(id))];
    if (left === right) return [];
    const story = `domain ${id} is ${left} in ${a.name} and ${right} in ${b.name}`;
    return [{ checker: 'replicas-agree', workflowId: '', story }];
  });
}

function deadLetters(world: World): Violation[] {
  return world.sites.flatMap((site) =>
    [...site.image.keyValues]
      .filter(([bucket, rows]) => /dead|dlq/i.test(bucket) && rows.size > 0)
      .map(([bucket, rows]) => ({
        checker: 'replicas-agree',
        workflowId: '',
        story: `${site.name}: ${rows.size} dead letters in ${bucket}: ${[...rows.values()]
          .slice(0, 2)
          .map(({ value }) => Buffer.from(value).toString().slice(0, 300))
          .join(' | ')}`,
      })),
  );
}
