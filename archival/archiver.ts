// The archiver that the services see: packs closed runs into the domain's archive and reads them back. `archive` is idempotent: a run
// whose locator names its events (close version and count) is in a confirmed pack, so it is only checked to be still there.
import type { BlobStores } from '#blob';
import type { Env } from '#env';
import type { KeyValueStore } from '#persistence';
import type { CompileArchiveQuery } from './archive-query.ts';
import { createArchives } from './archives.ts';
import { listArchived } from './listing.ts';
import type { Locator } from './locator.ts';
import { Packer } from './packer.ts';
import type { Archiver, ClosedRun } from './ports.ts';
import { readHistoryPage } from './reading.ts';

const PAGE_SIZE_MAX = 1000;

const hasEventsOf = (locator: Locator, run: ClosedRun): boolean =>
  locator.closeFailoverVersion === run.closeFailoverVersion && locator.eventCount >= Number(run.info.historyLength);

export interface ArchiverOptions {
  /** The region: each writes its own chain, so that two regions may share a bucket. */
  readonly cluster: string;
  readonly windowMs?: number;
  readonly partBytesMax?: number;
  readonly runsPerPackMax?: number;
}

export function createArchiver(
  deps: { env: Env; blobs: BlobStores; keyValues: KeyValueStore; compileQuery: CompileArchiveQuery },
  options: ArchiverOptions,
): Archiver {
  const archives = createArchives(deps, options);
  const packer = new Packer(
    { env: deps.env, archives },
    {
      cluster: options.cluster,
      windowMs: options.windowMs ?? 1000,
      partBytesMax: options.partBytesMax ?? 4 * 1024 * 1024,
      runsPerPackMax: options.runsPerPackMax ?? 500,
    },
  );
  const inProgress = new Map<string, { readonly events: string; readonly work: Promise<void> }>();
  const pageSize = (size: number): number => Math.min(PAGE_SIZE_MAX, size > 0 ? size : PAGE_SIZE_MAX);

  const isArchived = async (run: ClosedRun): Promise<boolean> => {
    if (run.historyUri === '') return false;
    const archive = await archives.ofDomain(run.historyUri, { id: run.domainId, name: run.domainName });
    // A pack whose manifest was written just before a crash gets its locators here.
    await archive.chain.recover();
    const locator = await archives.locators.find(run);
    if (locator === undefined || !hasEventsOf(locator, run)) return false;
    const present = await Promise.all(locator.parts.map((key) => archive.store.exists(key)));
    return present.every(Boolean);
  };

  const archive = async (run: ClosedRun): Promise<void> => {
    if (run.historyUri === '' && run.visibilityUri === '') return;
    if (!(await isArchived(run))) await packer.add(run);
  };

  return {
    archive(run) {
      const key = JSON.stringify([run.domainId, run.workflowId, run.runId, run.historyUri, run.visibilityUri]);
      const events = `${run.closeFailoverVersion}/${run.info.historyLength}`;
      const before = inProgress.get(key);
      if (before?.events === events) return before.work;
      // Other events of the same run go after those, never into the same pack; whether those failed is for who asked for them.
      const work = Promise.allSettled([before?.work])
        .then(() => archive(run))
        .finally(() => {
          if (inProgress.get(key)?.work === work) inProgress.delete(key);
        });
      inProgress.set(key, { events, work });
      return work;
    },
    async readHistory(run, page) {
      if (run.historyUri === '') return undefined;
      const locator = await archives.locators.find(run);
      if (locator === undefined) return undefined;
      const size = pageSize(page.size);
      return readHistoryPage(archives.open(run.historyUri), locator, run, { size, token: page.token });
    },
    async list(domain, query, page) {
      const compiled = deps.compileQuery(query);
      const found = await archives.findOfDomain(domain.visibilityUri, domain.id);
      if (found === undefined) return { executions: [], nextPageToken: new Uint8Array() };
      return listArchived(found, archives.locators, compiled, { size: pageSize(page.size), token: page.token });
    },
    start() {
      // Nothing to start: packs are made on demand.
    },
    stop: () => packer.drain(),
  };
}
