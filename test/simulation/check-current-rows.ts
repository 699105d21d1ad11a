// one-current-run: at most one open run per workflow id; the current row names it, or the run that ended last, and tells the truth about it.
import type { Violation } from '../support/checkers/index.ts';
import type { RegionAtRest } from './check-world.ts';
import type { Site } from './site.ts';
import { isOpenRun, isZombieRun, type StoredRun } from './stored-runs.ts';

const keyOf = (...parts: readonly string[]): string => parts.map((part) => `${part.length}:${part}`).join('|');

/** A signal that a run has taken is remembered by its request id, or a repetition would be taken again. */
export function checkSignalRequestIds(region: RegionAtRest): Violation[] {
  return region.stored.flatMap((run) =>
    run.events.flatMap(({ eventId, attributes }) => {
      if (attributes?.$case !== 'workflowExecutionSignaledEventAttributes') return [];
      const { requestId } = attributes.value;
      if (requestId === '' || run.state.signalRequestIds.has(requestId)) return [];
      const story = `${region.name}: run ${run.runId} took signal ${requestId} (event ${eventId}) and does not know it`;
      return [{ checker: 'unknown-is-zero-or-one', workflowId: run.workflowId, story }];
    }),
  );
}

export function checkCurrentRows(site: Site, region: RegionAtRest): Violation[] {
  const groups = new Map<string, StoredRun[]>();
  for (const run of region.stored) {
    const key = keyOf(run.domainId, run.workflowId);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const violations: Violation[] = [];
  for (const [key, runs] of groups) {
    const { workflowId } = runs[0] as StoredRun;
    const report = (story: string): void => {
      violations.push({ checker: 'one-current-run', workflowId, story: `${region.name}: ${story}` });
    };
    const shards = [...site.image.shards.values()];
    const current = shards.map(({ currentRuns }) => currentRuns.get(key)).find((row) => row !== undefined);
    const open = runs.filter((run) => isOpenRun(run) && !isZombieRun(run));
    if (open.length > 1) report(`${open.length} open runs: ${open.map(({ runId }) => runId).join(', ')}`);
    if (open[0] !== undefined && current?.runId !== open[0].runId) {
      report(`run ${open[0].runId} is open and the current row names ${current?.runId}`);
    }
    const named = runs.find(({ runId }) => runId === current?.runId);
    if (current === undefined || named === undefined) continue;
    const { info } = named.state;
    if (current.isOpen !== (isOpenRun(named) && !isZombieRun(named))) {
      report(`the current row says ${current.isOpen ? 'open' : 'closed'} of run ${current.runId}, which is not`);
    }
    if (current.closeStatus !== info.closeStatus) {
      report(`the current row has close status ${current.closeStatus}, the run ${info.closeStatus}`);
    }
    if (current.createRequestId !== info.createRequestId) {
      report(`the current row has create request id ${current.createRequestId}, the run ${info.createRequestId}`);
    }
  }
  return violations;
}
