// one-current-run, no-lost-work, replicas-agree: what must hold of regions at rest.
import { HistoryEvent } from '@antiphon/proto';
import { isClose, kindOf, type RegionSnapshot, type RunSnapshot, type Violation } from './snapshot.ts';

export function oneCurrentRun(region: RegionSnapshot): Violation[] {
  const open = new Map<string, RunSnapshot[]>();
  for (const run of region.runs) if (run.isOpen) open.set(run.workflowId, [...(open.get(run.workflowId) ?? []), run]);
  const violations: Violation[] = [];
  for (const [workflowId, runs] of open) {
    if (runs.length > 1) {
      violations.push({
        checker: 'one-current-run',
        workflowId,
        story: `${region.name} has ${runs.length} open runs: ${runs.map((run) => run.runId).join(', ')}`,
      });
    }
    const current = region.current.get(workflowId);
    if (runs[0] && current !== runs[0].runId) {
      violations.push({
        checker: 'one-current-run',
        workflowId,
        story: `${region.name}: run ${runs[0].runId} is open and the current run is ${current}`,
      });
    }
  }
  return violations;
}

/** An open run in a quiet cluster waits for something that will come. `isWaiting` says when outside events are what it asked for. */
export function noLostWork(region: RegionSnapshot, isWaiting: (run: RunSnapshot) => boolean): Violation[] {
  return region.runs
    .filter((run) => run.isOpen && !run.pending.decision && run.pending.activities === 0 && run.pending.children === 0)
    .filter((run) => !hasOpenTimer(run) && !isWaiting(run))
    .map((run) => ({
      checker: 'no-lost-work',
      workflowId: run.workflowId,
      story: `${region.name}: run ${run.runId} is open with nothing pending; its last event is ${kindOf(run.events.at(-1))}`,
    }));
}

function hasOpenTimer(run: RunSnapshot): boolean {
  let open = 0;
  for (const event of run.events) {
    const kind = kindOf(event);
    if (kind === 'timerStarted') open++;
    if (kind === 'timerFired' || kind === 'timerCanceled') open--;
  }
  return open > 0;
}

const bytesOf = (event: HistoryEvent): string => Buffer.from(HistoryEvent.encode(event).finish()).toString('base64');

export function replicasAgree(a: RegionSnapshot, b: RegionSnapshot): Violation[] {
  const violations: Violation[] = [];
  const inB = new Map(b.runs.map((run) => [`${run.workflowId} ${run.runId}`, run]));
  const report = (workflowId: string, story: string): void => {
    violations.push({ checker: 'replicas-agree', workflowId, story });
  };
  for (const run of a.runs) {
    const key = `${run.workflowId} ${run.runId}`;
    const other = inB.get(key);
    inB.delete(key);
    if (!other) {
      report(run.workflowId, `run ${run.runId} is in ${a.name} (${run.events.length} events) and not in ${b.name}`);
      continue;
    }
    const difference = firstDifference(run, other);
    if (difference !== undefined)
      report(run.workflowId, `run ${run.runId}: ${a.name} and ${b.name} differ: ${difference}`);
  }
  for (const run of inB.values()) report(run.workflowId, `run ${run.runId} is in ${b.name} and not in ${a.name}`);
  for (const [workflowId, runId] of a.current) {
    if (b.current.get(workflowId) !== runId) {
      report(workflowId, `the current run is ${runId} in ${a.name} and ${b.current.get(workflowId)} in ${b.name}`);
    }
  }
  return violations;
}

function firstDifference(a: RunSnapshot, b: RunSnapshot): string | undefined {
  const length = Math.max(a.events.length, b.events.length);
  for (let index = 0; index < length; index++) {
    const [left, right] = [a.events[index], b.events[index]];
    if (!left || !right)
      return `${a.events.length} and ${b.events.length} events; event ${index + 1} is ${kindOf(left ?? right)}`;
    if (bytesOf(left) !== bytesOf(right)) {
      return `event ${index + 1} is ${kindOf(left)} (version ${left.version}) and ${kindOf(right)} (version ${right.version})`;
    }
  }
  if (a.isOpen !== b.isOpen)
    return `one is open, the other closed (${isClose(a.events.at(-1)) ? 'history closed' : 'history open'})`;
  return undefined;
}
