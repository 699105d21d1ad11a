// Visibility in an index of OpenSearch or Elasticsearch, for clusters whose lists outgrow their database. Writes are eventually visible (a refresh
// later), never lost: upsert resolves when the index has them. A removed run leaves a tombstone for a day, so that a late write does not bring it back.
import { badRequest, StoreError } from '#base';
import type { Env } from '#env';
import type { AttributeValue } from '../condition.ts';
import { decodeCursor, encodeCursor } from '../page-token.ts';
import type { VisibilityStore } from '../ports.ts';
import { SEARCH_ATTRIBUTES, type SearchAttributeRegistry } from '../search-attributes.ts';
import { selectionOf, selectionOfQuery } from '../selection.ts';
import { indexRecords, type Refresh } from './bulk.ts';
import { compileQuery, compileSort } from './compile.ts';
import { documentId, RECORD_FIELDS_EXCLUDED, recordOf, type VisibilityDocument } from './document.ts';
import { createOpenSearchClient, type OpenSearchConnection, reasonOf } from './http-client.ts';

export interface OpenSearchVisibilityOptions {
  readonly connection: OpenSearchConnection;
  readonly index: string;
  readonly refresh?: Refresh | undefined;
  /** Read at each use: operators add to them. */
  readonly searchAttributes?: (() => SearchAttributeRegistry) | undefined;
}

interface Hit {
  readonly _source: VisibilityDocument;
  readonly sort: readonly (AttributeValue | null)[];
}

// As many as the index gives at once (its index.max_result_window), one less to see that there are more.
const PAGE_MAX = 9_999;
// Longer than any write can be late: tasks are retried from the shard's queue, not for days.
const TOMBSTONE_MS = 24 * 3600 * 1000;
const SWEEP_MS = 600_000;
const CONFLICT = 409;
const NOT_FOUND = 404;

export function createOpenSearchVisibility(env: Env, options: OpenSearchVisibilityOptions): VisibilityStore {
  const { index, refresh = 'false' } = options;
  const registry = options.searchAttributes ?? (() => SEARCH_ATTRIBUTES);
  const client = createOpenSearchClient(env, options.connection);
  const bulk = { env, client, index, refresh };
  let sweptMs = env.clock.monotonicMs();

  /** The body of a search or count. What is too much for the index is the query's fault. */
  const ask = async <T>(path: string, body: object): Promise<T> => {
    const answer = await client.send('POST', `/${index}/${path}`, body);
    if (answer.status === 200) return answer.body as T;
    const reason = reasonOf(answer.body);
    if (answer.status === 400 && /too_many|too many|maxClauseCount|nested/i.test(reason)) {
      throw badRequest(
        'The query has too many conditions for the index: split it, or use IN for values of one attribute.',
      );
    }
    if (answer.status === NOT_FOUND) {
      throw new StoreError('Unavailable', `there is no index ${index}: run "antiphon schema setup --store opensearch"`);
    }
    throw new StoreError('Unavailable', `the index ${index} answers ${answer.status}: ${reason}`);
  };

  const sweepTombstones = async (): Promise<void> => {
    const nowMs = env.clock.monotonicMs();
    if (nowMs - sweptMs < SWEEP_MS) return;
    sweptMs = nowMs;
    const query = { range: { Removed: { lt: env.clock.nowMs() - TOMBSTONE_MS } } };
    await ask('_delete_by_query?conflicts=proceed&wait_for_completion=false', { query });
  };

  return {
    upsert: (records) => (records.length === 0 ? Promise.resolve() : indexRecords(bulk, records, registry())),

    async remove(domainId, workflowId, runId) {
      const id = documentId(domainId, workflowId, runId);
      // No write has a larger version.
      const version = `version=${Number.MAX_SAFE_INTEGER}&version_type=external_gte`;
      const path = `/${index}/_doc/${id}?${version}&refresh=${refresh}`;
      const { status, body } = await client.send('PUT', path, { Removed: env.clock.nowMs() });
      if (status >= 300 && status !== CONFLICT) {
        throw new StoreError('Unavailable', `the index ${index} answers ${status}: ${reasonOf(body)}`);
      }
      await sweepTombstones();
    },

    async list(domainId, listing, page) {
      const nowMs = env.clock.nowMs();
      const { where, orderBy } = selectionOf(listing, registry(), nowMs);
      const sort = compileSort(orderBy, nowMs);
      const size = Math.min(page.size, PAGE_MAX);
      const after = page.token === undefined ? undefined : decodeCursor(domainId, listing, page.token, sort.length);
      const answer = await ask<{ hits: { hits: readonly Hit[] } }>('_search', {
        query: compileQuery(domainId, where, nowMs),
        sort,
        size: size + 1,
        track_total_hits: false,
        _source: { excludes: RECORD_FIELDS_EXCLUDED },
        ...(after && { search_after: after }),
      });
      const hits = answer.hits.hits;
      const records = hits.slice(0, size).map((hit) => recordOf(hit._source));
      const last = hits.length > size ? hits[size - 1] : undefined;
      return last === undefined ? { records } : { records, nextToken: encodeCursor(domainId, listing, last.sort) };
    },

    async count(domainId, query) {
      const nowMs = env.clock.nowMs();
      const { where } = selectionOfQuery(query, registry(), nowMs);
      return (await ask<{ count: number }>('_count', { query: compileQuery(domainId, where, nowMs) })).count;
    },

    close: async () => client.close(),
  };
}
