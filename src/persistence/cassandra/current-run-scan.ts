// Fills the filters of current runs: reads the keys of all current runs of a shard, in the background. One shard of the process at a time, and
// after each page a pause as long as its read took, so that a host that starts with very many runs has at most half of one request going for it.
// A scan that fails goes on later from where it was: what it has found stays found, for deleted rows are allowed in, and commits add new ones.
import { type Env, sleep } from '#env';
import { CurrentRunFilter } from './current-run-filter.ts';
import type { CassandraSession } from './session.ts';
import { CQL } from './shard-rows.ts';

export interface CurrentRunFilters {
  /** Of a shard that was just acquired; released by whoever had it made. */
  create(shardId: number): CurrentRunFilter;
  /** True: certainly no row. Counted. */
  isAbsent(filter: CurrentRunFilter, domainId: string, workflowId: string): boolean;
  /** All filters end. */
  close(): void;
}

interface Scan {
  readonly filter: CurrentRunFilter;
  /** The last row that was read. */
  from: readonly [domainId: string, workflowId: string];
  retryMs: number;
}

interface KeyRow {
  readonly domain_id: string;
  readonly workflow_id: string;
}

const ROWS_PER_PAGE = 2_000;
/** Where so many were deleted that a replica refuses to step over them, smaller pages meet fewer. */
const ROWS_PER_PAGE_MIN = 20;
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = 3_600_000;

export function createCurrentRunFilters(
  session: Pick<CassandraSession, 'pages' | 'isTombstoneFailure'>,
  env: Env,
): CurrentRunFilters {
  const { clock, logger, scheduler } = env;
  const avoided = env.metrics.counter(
    'store_cassandra_reads_avoided',
    'Reads of current runs that were not made, since none could be there',
  );
  const closed = new AbortController();
  const open = new Set<CurrentRunFilter>();
  const waiting: Scan[] = [];
  let isScanning = false;

  const readPages = async (scan: Scan, pageRows: number): Promise<void> => {
    const { filter } = scan;
    const params = [filter.shardId, ...scan.from];
    let startMs = clock.monotonicMs();
    for await (const page of session.pages<KeyRow>('listCurrentRuns', CQL.listCurrentRuns, params, pageRows)) {
      for (const { domain_id, workflow_id } of page) filter.found(domain_id, workflow_id);
      const last = page.at(-1);
      if (last !== undefined) scan.from = [last.domain_id, last.workflow_id];
      if (!filter.isFilling) return;
      await sleep(scheduler, clock.monotonicMs() - startMs, closed.signal);
      startMs = clock.monotonicMs();
    }
  };

  const readAll = async (scan: Scan): Promise<void> => {
    for (let pageRows = ROWS_PER_PAGE; ; pageRows /= 10) {
      try {
        await readPages(scan, pageRows);
        scan.filter.finish();
        return;
      } catch (error) {
        if (!session.isTombstoneFailure(error) || pageRows <= ROWS_PER_PAGE_MIN) throw error;
      }
    }
  };

  const retryLater = async (scan: Scan, error: unknown): Promise<void> => {
    const { filter, retryMs } = scan;
    logger.warn('current runs could not be listed, starts read theirs', { 'shard-id': filter.shardId, retryMs, error });
    scan.retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    await sleep(scheduler, retryMs, closed.signal);
    submit(scan);
  };

  const scanAll = async (): Promise<void> => {
    for (let scan = waiting.shift(); scan !== undefined; scan = waiting.shift()) {
      if (!scan.filter.isFilling) continue;
      try {
        await readAll(scan);
      } catch (error) {
        if (scan.filter.isFilling) void retryLater(scan, error);
      }
    }
    isScanning = false;
  };

  const submit = (scan: Scan): void => {
    if (!scan.filter.isFilling) return;
    waiting.push(scan);
    if (isScanning) return;
    isScanning = true;
    void scanAll();
  };

  const create = (shardId: number): CurrentRunFilter => {
    const filter = new CurrentRunFilter(shardId, {
      scan: (wanted) => submit({ filter: wanted, from: ['', ''], retryMs: RETRY_MS_MIN }),
      onEnd: (ended, end) => {
        open.delete(ended);
        if (end === 'too many rows') {
          logger.info('a shard has too many current runs to know them all: starts read theirs', {
            'shard-id': shardId,
          });
        }
      },
    });
    open.add(filter);
    return filter;
  };

  return {
    create,
    isAbsent: (filter, domainId, workflowId) => {
      const isAbsent = filter.isAbsent(domainId, workflowId);
      if (isAbsent) avoided.inc();
      return isAbsent;
    },
    close: () => {
      closed.abort();
      for (const filter of open) filter.release();
    },
  };
}
