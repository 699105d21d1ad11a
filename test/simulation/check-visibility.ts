// visibility-agrees: at rest, the list of runs is the runs, each with the status it has.
import type { Violation } from '../support/checkers/index.ts';
import type { RegionAtRest } from './check-world.ts';
import type { Site } from './site.ts';
import { isOpenRun, isZombieRun } from './stored-runs.ts';

export function checkVisibility(site: Site, region: RegionAtRest): Violation[] {
  const rows = new Map([...site.visibilityImage.rows.values()].map((row) => [row.record.runId, row]));
  const violations: Violation[] = [];
  const report = (workflowId: string, story: string): void => {
    violations.push({ checker: 'visibility-agrees', workflowId, story: `${site.name}: ${story}` });
  };
  for (const run of region.stored) {
    const row = rows.get(run.runId);
    rows.delete(run.runId);
    if (isZombieRun(run)) continue;
    if (row === undefined) {
      // Retention takes the record before the run.
      if (!site.visibilityImage.removed.has(JSON.stringify([run.domainId, run.workflowId, run.runId]))) {
        report(run.workflowId, `run ${run.runId} is in no list`);
      }
      continue;
    }
    const { record } = row;
    const { info } = run.state;
    const isListedOpen = record.closeTimeMs === undefined;
    if (isListedOpen !== isOpenRun(run)) {
      report(run.workflowId, `run ${run.runId} is listed as ${isListedOpen ? 'open' : 'closed'} and is not`);
    } else if (!isListedOpen && record.closeStatus !== info.closeStatus) {
      report(
        run.workflowId,
        `run ${run.runId} is listed with close status ${record.closeStatus}, not ${info.closeStatus}`,
      );
    }
    if (record.domainId !== run.domainId || record.workflowId !== run.workflowId) {
      report(run.workflowId, `run ${run.runId} is listed as ${record.domainId}/${record.workflowId}`);
    }
    const listed = JSON.stringify(fieldsOf(record.searchAttributes));
    const held = JSON.stringify(fieldsOf(info.searchAttributes));
    if (listed !== held) report(run.workflowId, `run ${run.runId} is listed with attributes ${listed}, not ${held}`);
  }
  for (const { record } of rows.values()) {
    report(record.workflowId, `run ${record.runId} is listed and does not exist`);
  }
  return violations;
}

const fieldsOf = (attributes: { indexedFields: Record<string, { data: Uint8Array }> } | undefined) =>
  Object.entries(attributes?.indexedFields ?? {})
    .filter(([name]) => name.startsWith('Custom'))
    .map(([name, { data }]) => [name, Buffer.from(data).toString()])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
