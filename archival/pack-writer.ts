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
async function putVerified(store: BlobStore, key: string, content: Uint8Array): Promise<void> {
  await store.put(key, content, { contentType: 'application/x-ndjson', contentEncoding: 'gzip' });
  const stored = await store.get(key);
  if (stored === undefined || sha256(stored) !== sha256(content)) {
    throw dataInconsistency(`Archive object ${key} does not read back as it was written.`);
  }
}

/** The batches of one line in the making. */
class Segment {
  batches: (readonly unknown[])[] = [];
  exactBatches: Record<string, string> = {};
  bytes = 0;

  add(blob: Uint8Array): number {
    const batch = jsonOfBatch(blob);
    if (batch.exact !== undefined) this.exactBatches[this.batches.length] = batch.exact;
    this.batches.push(batch.events);
    // JSON is about twice as long as what it says.
    this.bytes += blob.length * 2;
    return batch.eventCount;
  }

  get content(): Pick<HistoryLine, 'batches' | 'exactBatches'> {
    const { batches, exactBatches } = this;
    return Object.keys(exactBatches).length > 0 ? { batches, exactBatches } : { batches };
  }
}

class PackWriter {
  readonly #store: BlobStore;
  readonly #pack: string;
  readonly #partBytesMax: number;
  readonly #parts: ManifestPart[] = [];
  #rows: string[] = [];
  #rowBytes = 0;
  #partNumber = 1;
  // Rows of several runs are lost with a part that fails to be written, so it fails the pack, not one run.
  #storeFailure: { readonly error: unknown } | undefined;

  constructor(store: BlobStore, pack: string, partBytesMax: number) {
    this.#store = store;
    this.#pack = pack;
    this.#partBytesMax = partBytesMax;
  }

  async write(runs: readonly ClosedRun[], content: { histories: boolean }): Promise<PackObjects> {
    const failed = new Map<ClosedRun, unknown>();
    const lines: RunLine[] = [];
    for (const run of runs) {
      try {
        const history = content.histories
          ? await this.#addHistory(run)
          : { parts: [], eventCount: 0, eventsSha256: '' };
        const { domainId, workflowId, runId, closeFailoverVersion } = run;
        const info = WorkflowExecutionInfo.toJSON(run.info);
        lines.push({ domainId, workflowId, runId, closeFailoverVersion, ...history, info });
      } catch (error) {
        if (this.#storeFailure !== undefined) throw this.#storeFailure.error;
        failed.set(run, error);
      }
    }
    await this.#flushHistories();
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (lines.length > 0) await this.#writePart(runsKey(this.#pack), 'runs', text);
    return { parts: this.#parts, runs: lines, failed };
  }

  async #addHistory(run: ClosedRun): Promise<Pick<RunLine, 'parts' | 'eventCount' | 'eventsSha256'>> {
    const { domainName: domain, domainId, workflowId, runId, closeFailoverVersion } = run;
    const workflowType = run.info.type?.name ?? '';
    const identity = { domain, domainId, workflowId, runId, workflowType, closeFailoverVersion };
    const hash = createHash('sha256');
    const keys = new Set<string>();
    let eventCount = 0;
    let number = 0;
    let segment = new Segment();
    for await (const blob of run.readBatches()) {
      if (segment.bytes >= this.#partBytesMax) {
        keys.add(await this.#appendLine({ ...identity, segment: number++, ...segment.content }));
        segment = new Segment();
      }
      hash.update(blob);
      eventCount += segment.add(blob);
    }
    if (eventCount === 0) throw dataInconsistency(`Run ${runId} has no history to archive.`);
    const eventsSha256 = hash.digest('hex');
    const last = { ...identity, segment: number, ...segment.content, eventsSha256, eventCount };
    keys.add(await this.#appendLine(last));
    return { parts: [...keys], eventCount, eventsSha256 };
  }

  /** Appends a line and returns the part that it is in. */
  async #appendLine(line: HistoryLine): Promise<string> {
    const row = `${JSON.stringify(line)}\n`;
    const key = historyPartKey(this.#pack, this.#partNumber);
    this.#rows.push(row);
    this.#rowBytes += row.length;
    if (this.#rowBytes >= this.#partBytesMax) await this.#flushHistories();
    return key;
  }

  async #flushHistories(): Promise<void> {
    if (this.#rows.length === 0) return;
    const text = this.#rows.join('');
    this.#rows = [];
    this.#rowBytes = 0;
    await this.#writePart(historyPartKey(this.#pack, this.#partNumber), 'histories', text);
    this.#partNumber++;
  }

  async #writePart(key: string, kind: ManifestPart['kind'], text: string): Promise<void> {
    const content = await compress(text);
    try {
      await putVerified(this.#store, key, content);
    } catch (error) {
      this.#storeFailure = { error };
      throw error;
    }
    this.#parts.push({ key, kind, sizeBytes: content.length, sha256: sha256(content) });
  }
}

/** Writes the pack whose keys begin with `pack`. */
export const writePack = (
  store: BlobStore,
  pack: string,
  runs: readonly ClosedRun[],
  options: { readonly histories: boolean; readonly partBytesMax: number },
): Promise<PackObjects> => new PackWriter(store, pack, options.partBytesMax).write(runs, options);
