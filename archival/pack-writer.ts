// Writes the objects of one pack: histories parts of about 4 MiB of text and the runs object, each read back and compared before it
// counts. A run whose batches cannot be read is left out of the index and reported; the others of its pack are archived all the same.

import { createHash } from 'node:crypto';
import { WorkflowExecutionInfo } from '@antiphon/proto';
import { dataInconsistency } from '#base';
import type { BlobStore } from '#blob';
import { compress } from './compression.ts';
import { sha256 } from './digest.ts';
import { type HistoryLine, jsonOfBatch } from './history-line.ts';
import { historyPartKey, runsKey } from './layout.ts';
import type { ManifestPart } from './manifest.ts';
import type { ClosedRun } from './ports.ts';
import type { RunLine } from './run-line.ts';

export interface PackObjects {
  readonly parts: readonly ManifestPart[];
  readonly runs: readonly RunLine[];
  readonly failed: ReadonlyMap<ClosedRun, unknown>;
}

/** Writes an object and proves that the store gives back the same bytes. */
export async function putVerified(store: BlobStore, key: string, content: Uint8Array): Promise<void> {
  await store.put(key, content, { contentType: 'application/x-ndjson', contentEncoding: 'gzip' });
  const stored = await store.get(key);
  if (stored === undefined || sha256(stored) !== sha256(content)) {
    throw dataInconsistency(`Archive object ${key} does not read back as it was written.`);
  }
}

export function createPackWriter(store: BlobStore, pack: string, options: { partBytesMax: number }) {
  const parts: ManifestPart[] = [];
  let rows: string[] = [];
  let rowBytes = 0;
  let partNumber = 1;
  // Rows of several runs are lost with a part that fails to be written, so it fails the pack, not one run.
  let storeFailure: { readonly error: unknown } | undefined;

  const writePart = async (key: string, kind: ManifestPart['kind'], text: string): Promise<void> => {
    const content = await compress(text);
    try {
      await putVerified(store, key, content);
    } catch (error) {
      storeFailure = { error };
      throw error;
    }
    parts.push({ key, kind, sizeBytes: content.length, sha256: sha256(content) });
  };

  const flushHistories = async (): Promise<void> => {
    if (rows.length === 0) return;
    const text = rows.join('');
    rows = [];
    rowBytes = 0;
    await writePart(historyPartKey(pack, partNumber), 'histories', text);
    partNumber++;
  };

  /** Appends a line and returns the part that it is in. */
  const appendLine = async (line: HistoryLine): Promise<string> => {
    const row = `${JSON.stringify(line)}\n`;
    const key = historyPartKey(pack, partNumber);
    rows.push(row);
    rowBytes += row.length;
    if (rowBytes >= options.partBytesMax) await flushHistories();
    return key;
  };

  const addHistory = async (run: ClosedRun): Promise<Pick<RunLine, 'parts' | 'eventCount' | 'eventsSha256'>> => {
    const hash = createHash('sha256');
    const keys = new Set<string>();
    const identity = {
      domain: run.domainName,
      domainId: run.domainId,
      workflowId: run.workflowId,
      runId: run.runId,
      workflowType: run.info.type?.name ?? '',
      closeFailoverVersion: run.closeFailoverVersion,
    };
    let eventCount = 0;
    let segment = 0;
    let segmentBytes = 0;
    let batches: (readonly unknown[])[] = [];
    let exactBatches: Record<string, string> = {};
    const takeSegment = (): HistoryLine => {
      const exact = Object.keys(exactBatches).length > 0 ? { exactBatches } : {};
      const line = { ...identity, segment: segment++, batches, ...exact };
      [batches, exactBatches, segmentBytes] = [[], {}, 0];
      return line;
    };
    for await (const blob of run.readBatches()) {
      if (segmentBytes >= options.partBytesMax) keys.add(await appendLine(takeSegment()));
      hash.update(blob);
      const batch = jsonOfBatch(blob);
      if (batch.exact !== undefined) exactBatches[batches.length] = batch.exact;
      batches.push(batch.events);
      eventCount += batch.eventCount;
      segmentBytes += blob.length * 2;
    }
    if (eventCount === 0) throw dataInconsistency(`Run ${run.runId} has no history to archive.`);
    const eventsSha256 = hash.digest('hex');
    keys.add(await appendLine({ ...takeSegment(), eventsSha256, eventCount }));
    return { parts: [...keys], eventCount, eventsSha256 };
  };

  return {
    async write(runs: readonly ClosedRun[], content: { histories: boolean }): Promise<PackObjects> {
      const failed = new Map<ClosedRun, unknown>();
      const lines: RunLine[] = [];
      for (const run of runs) {
        try {
          const history = content.histories ? await addHistory(run) : { parts: [], eventCount: 0, eventsSha256: '' };
          const { domainId, workflowId, runId, closeFailoverVersion } = run;
          const info = WorkflowExecutionInfo.toJSON(run.info);
          lines.push({ domainId, workflowId, runId, closeFailoverVersion, ...history, info });
        } catch (error) {
          if (storeFailure !== undefined) throw storeFailure.error;
          failed.set(run, error);
        }
      }
      await flushHistories();
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      if (lines.length > 0) await writePart(runsKey(pack), 'runs', text);
      return { parts, runs: lines, failed };
    },
  };
}
