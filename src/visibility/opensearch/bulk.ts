// Writes documents in bulk, and says that they are written only when each is: newer versions win (external_gte), so a repeated or late write does
// no harm. What is refused for an overload is tried again after a while, then given back as a failure: the caller's tasks stay unacknowledged.
// A document whose custom attributes the index cannot take is written without them and reported, or it would hold up all others for ever.
import { StoreError } from '#base';
import { type Env, sleep } from '#env';
import type { VisibilityRecord } from '../ports.ts';
import type { SearchAttributeRegistry } from '../search-attributes.ts';
import { documentId, documentOf, plainDocumentOf } from './document.ts';
import { type OpenSearchClient, reasonOf } from './http-client.ts';

/** When lists show what was written: with the next refresh of the index, or `true` at once (tests). */
export type Refresh = 'false' | 'wait_for' | 'true';

export interface BulkTarget {
  readonly env: Env;
  readonly client: OpenSearchClient;
  readonly index: string;
  readonly refresh: Refresh;
}

const REQUEST_BYTES_MAX = 5 * 1024 * 1024;
const TRIES_MAX = 4;
const RETRY_MS = 100;
const NO_INDEX = 404;
const CONFLICT = 409;
const REJECTED: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

interface Entry {
  readonly record: VisibilityRecord;
  readonly line: string;
  readonly isPlain: boolean;
}

interface BulkItem {
  readonly index: { readonly status: number; readonly error?: unknown };
}

function entryOf(record: VisibilityRecord, document: object, isPlain: boolean): Entry {
  const _id = documentId(record.domainId, record.workflowId, record.runId);
  const action = { index: { _id, version: record.version, version_type: 'external_gte' } };
  return { record, line: `${JSON.stringify(action)}\n${JSON.stringify(document)}\n`, isPlain };
}

/** In requests of bounded size, in order. */
function* requestsOf(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let request: Entry[] = [];
  let size = 0;
  for (const entry of entries) {
    if (request.length > 0 && size + entry.line.length > REQUEST_BYTES_MAX) {
      yield request;
      request = [];
      size = 0;
    }
    request.push(entry);
    size += entry.line.length;
  }
  if (request.length > 0) yield request;
}

async function send(target: BulkTarget, entries: readonly Entry[]): Promise<readonly Entry[]> {
  const { client, env, index, refresh } = target;
  const lines = entries.map(({ line }) => line).join('');
  const { status, body } = await client.send('POST', `/${index}/_bulk?refresh=${refresh}`, undefined, lines);
  if (status !== 200) throw new StoreError('Unavailable', `the index ${index} answers ${status}: ${reasonOf(body)}`);
  const { errors, items } = body as { errors: boolean; items: readonly BulkItem[] };
  if (!errors) return [];
  return entries.flatMap((entry, position): Entry[] => {
    const { status: code, error } = (items[position] as BulkItem).index; // one item for each line
    if (code < 300 || code === CONFLICT) return [];
    if (REJECTED.has(code)) return [entry];
    const { workflowId, runId, domainId } = entry.record;
    const reason = reasonOf({ error });
    if (entry.isPlain || code === NO_INDEX) {
      throw new StoreError('Unavailable', `the index ${index} refuses run ${runId} of ${workflowId}: ${reason}`);
    }
    const fields = { 'wf-domain-id': domainId, 'wf-id': workflowId, 'wf-run-id': runId, reason };
    env.logger.error('the search attributes of a run cannot be indexed, it is listed without them', fields);
    return [entryOf(entry.record, plainDocumentOf(entry.record), true)];
  });
}

/** Resolves when every record is in the index, or a newer one of its run is. */
export async function indexRecords(
  target: BulkTarget,
  records: readonly VisibilityRecord[],
  registry: SearchAttributeRegistry,
): Promise<void> {
  const all = records.map((record) => entryOf(record, documentOf(record, registry), false));
  for (const request of requestsOf(all)) {
    let rest = request;
    for (let attempt = 1; rest.length > 0; attempt++) {
      if (attempt > TRIES_MAX) {
        throw new StoreError(
          'Unavailable',
          `the index ${target.index} refuses ${rest.length} of ${request.length} records: overloaded`,
        );
      }
      if (attempt > 1) await sleep(target.env.scheduler, RETRY_MS * 2 ** (attempt - 2));
      rest = await send(target, rest);
    }
  }
}
