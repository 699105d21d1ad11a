// One line of a histories part: a run, or a segment of a run too long for one line. Events are proto3 JSON, which anyone can read. Not
// every encoded batch survives that form to the byte (times finer than a millisecond, unknown enum values), so each batch is checked
// when it is written and, where it would not, its bytes are kept beside the JSON; reading prefers them.
import { History } from '@antiphon/proto';
import { dataInconsistency } from '#base';
import { sha256 } from './digest.ts';

export interface HistoryLine {
  readonly domain: string;
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly closeFailoverVersion: number;
  /** From 0. */
  readonly segment: number;
  /** On the last segment: of the whole run. */
  readonly eventsSha256?: string;
  readonly eventCount?: number;
  /** Batches as they were committed; each a list of api.v1.HistoryEvent. */
  readonly batches: readonly (readonly unknown[])[];
  /** By batch index, base64 of api.v1.History: only where the JSON does not encode to the same bytes. */
  readonly exactBatches?: Readonly<Record<string, string>>;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export interface JsonBatch {
  readonly events: readonly unknown[];
  readonly eventCount: number;
  readonly exact: string | undefined;
}

export function jsonOfBatch(blob: Uint8Array): JsonBatch {
  const history = History.decode(blob);
  // ts-proto types its JSON form as unknown; a History's has the one field.
  const { events = [] } = History.toJSON(history) as { events?: readonly unknown[] };
  const restored = History.encode(History.fromJSON({ events })).finish();
  return {
    events,
    eventCount: history.events.length,
    exact: sameBytes(restored, blob) ? undefined : Buffer.from(blob).toString('base64'),
  };
}

/** Encoded batches of one line. */
export function batchesOfLine(line: HistoryLine): Uint8Array[] {
  return line.batches.map((events, index) => {
    const exact = line.exactBatches?.[index];
    if (exact !== undefined) return Buffer.from(exact, 'base64');
    return History.encode(History.fromJSON({ events })).finish();
  });
}

/** The run's lines out of the text of its parts, in order. A line of another run is not parsed. */
export function linesOfRun(texts: readonly string[], runId: string, workflowId: string): readonly HistoryLine[] {
  const lines: HistoryLine[] = [];
  for (const text of texts) {
    for (const row of text.split('\n')) {
      if (!row.includes(runId)) continue;
      const line: HistoryLine = JSON.parse(row);
      if (line.runId === runId && line.workflowId === workflowId) lines.push(line);
    }
  }
  return lines;
}

/** Batches of a whole run, checked against the digest that its last line carries. */
export function batchesOfRun(lines: readonly HistoryLine[]): readonly Uint8Array[] {
  const last = lines.at(-1);
  if (last?.eventsSha256 === undefined) throw dataInconsistency('An archived history lacks its last segment.');
  const batches = lines.flatMap((line) => batchesOfLine(line));
  const inOrder = lines.every((line, index) => line.segment === index);
  if (!inOrder || sha256(...batches) !== last.eventsSha256) {
    throw dataInconsistency('An archived history does not match its digest.');
  }
  return batches;
}
