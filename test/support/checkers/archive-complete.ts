// archive-complete: what a run held when retention took it is in the archive, event by event to the byte, and the archive's chain verifies.
import { History, HistoryEvent } from '@antiphon/proto';
import type { ArchiveInspector, ArchiveName, HistoryLine } from '#archival';
import { EntityNotExistsError } from '#base';
import type { Violation } from './snapshot.ts';

export const eventBytes = (event: HistoryEvent): string =>
  Buffer.from(HistoryEvent.encode(event).finish()).toString('base64');

function eventsOfLine(line: HistoryLine): HistoryEvent[] {
  return line.batches.flatMap((events, index) => {
    const exact = line.exactBatches?.[index];
    return exact === undefined
      ? History.fromJSON({ events }).events
      : History.decode(Buffer.from(exact, 'base64')).events;
  });
}

/** Encoded events of an archived run; undefined: it is not in the archive. */
export async function archivedEvents(
  inspector: ArchiveInspector,
  name: ArchiveName,
  run: { workflowId: string; runId: string },
): Promise<readonly string[] | undefined> {
  try {
    const { lines } = await inspector.showArchive(name, run);
    return lines.flatMap(eventsOfLine).map(eventBytes);
  } catch (error) {
    if (error instanceof EntityNotExistsError) return undefined;
    throw error;
  }
}

export interface DeletedHistory {
  readonly workflowId: string;
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
  /** What the archive had when it was deleted. */
  readonly archived: readonly string[] | undefined;
}

export function archivedBeforeDeleted(region: string, deleted: Iterable<DeletedHistory>): Violation[] {
  const violations: Violation[] = [];
  for (const { workflowId, runId, events, archived } of deleted) {
    const problem = archiveProblem(events, archived);
    if (problem === undefined) continue;
    const story = `${region}: run ${runId} was deleted and ${problem}`;
    violations.push({ checker: 'archive-complete', workflowId, story });
  }
  return violations;
}

function archiveProblem(events: readonly HistoryEvent[], archived: readonly string[] | undefined): string | undefined {
  if (archived === undefined) return 'was not in the archive by then';
  if (archived.length !== events.length) {
    return `the archive has ${archived.length} events of it, the store had ${events.length}`;
  }
  const at = events.findIndex((event, index) => eventBytes(event) !== archived[index]);
  return at < 0 ? undefined : `event ${at + 1} of it is another one in the archive`;
}

export async function archiveVerifies(
  region: string,
  inspector: ArchiveInspector,
  name: ArchiveName,
): Promise<Violation[]> {
  try {
    const report = await inspector.verify(name);
    if (report.isIntact) return [];
    const findings = report.findings.map(({ kind, key, detail }) => `${kind} ${key}: ${detail}`).join('; ');
    return [
      { checker: 'archive-complete', workflowId: '', story: `${region}: the chain does not verify: ${findings}` },
    ];
  } catch (error) {
    if (error instanceof EntityNotExistsError) return [];
    throw error;
  }
}
