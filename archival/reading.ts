// Reads an archived history back: locator, parts, the run's lines, digest, then a page of whole batches.

import { History } from '@antiphon/proto';
import { badRequest, dataInconsistency } from '#base';
import type { BlobStore } from '#blob';
import { decompress } from './compression.ts';
import { batchesOfRun, type HistoryLine, linesOfRun } from './history-line.ts';
import type { Locator } from './locator.ts';

function decodeToken(token: Uint8Array): number {
  if (token.length === 0) return 0;
  const text = Buffer.from(token).toString('utf8');
  if (!/^batch:\d{1,9}$/.test(text)) throw badRequest('Invalid NextPageToken.');
  return Number(text.slice('batch:'.length));
}

export async function readRunLines(
  store: BlobStore,
  locator: Locator,
  run: { readonly workflowId: string; readonly runId: string },
): Promise<readonly HistoryLine[]> {
  const texts: string[] = [];
  for (const key of locator.parts) {
    const content = await store.get(key);
    if (content === undefined) throw dataInconsistency(`Archive object ${key} is missing.`);
    texts.push(await decompress(content));
  }
  return linesOfRun(texts, run.runId, run.workflowId);
}

export async function readHistoryPage(
  store: BlobStore,
  locator: Locator,
  run: { readonly workflowId: string; readonly runId: string },
  page: { readonly size: number; readonly token: Uint8Array },
): Promise<{ historyBlobs: readonly Uint8Array[]; nextPageToken: Uint8Array }> {
  const from = decodeToken(page.token);
  const batches = batchesOfRun(await readRunLines(store, locator, run));
  const historyBlobs: Uint8Array[] = [];
  let events = 0;
  let next = from;
  for (; next < batches.length && events < page.size; next++) {
    const blob = batches[next];
    if (blob === undefined) break;
    historyBlobs.push(blob);
    events += History.decode(blob).events.length;
  }
  const nextPageToken = next < batches.length ? Buffer.from(`batch:${next}`) : new Uint8Array();
  return { historyBlobs, nextPageToken };
}
