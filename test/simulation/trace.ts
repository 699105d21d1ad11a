// All that a run has done, as text: equal for two runs of one seed, or something in it was not virtual.
import { HistoryEvent } from '@antiphon/proto';
import { statesOf } from './rest.ts';
import type { World } from './world.ts';

export function traceOf(world: World): string {
  const lines = [...world.story];
  for (const entry of world.journal.entries) lines.push(JSON.stringify(entry));
  for (const { region, runs } of world.deleted) {
    for (const run of runs.values()) lines.push(`${region} deleted ${run.runId} ${digestOf(run.events)}`);
  }
  for (const site of world.sites) {
    for (const { info } of statesOf(site.image)) {
      lines.push(
        `${site.name} ${info.domainId} ${info.workflowId} ${info.runId} ${info.nextEventId} ${info.closeStatus} ${info.lastEventTaskId}`,
      );
    }
    for (const [treeId, tree] of site.image.trees) {
      for (const [branchId, nodes] of tree.nodes) {
        const rows = nodes.read(
          () => 0,
          () => true,
        );
        const text = rows.map((node) => `${node.nodeId}:${node.txnId}:${Buffer.from(node.blob).toString('base64')}`);
        lines.push(`${site.name} ${treeId} ${branchId} ${text.join(' ')}`);
      }
    }
  }
  return lines.join('\n');
}

const digestOf = (events: readonly HistoryEvent[]): string =>
  events.map((event) => Buffer.from(HistoryEvent.encode(event).finish()).toString('base64')).join(' ');
