// Gathers closed runs for about a second and archives them as packs: cost and latency of an archive are per object, not per run. Runs of one
// pack share their domain, their URIs and the day they closed on. A run is reported done only when its pack's manifest is in the chain.
import type { Deferred } from '#base';
import { deferred } from '#base';
import type { Env } from '#env';
import type { Archives, DomainArchive } from './archives.ts';
import { dayOf, isoOf, packPrefix } from './layout.ts';
import { createPackWriter } from './pack-writer.ts';
import type { ClosedRun } from './ports.ts';
import { closeTimeMsOf, type RunLine } from './run-line.ts';

export interface PackerOptions {
  readonly cluster: string;
  readonly windowMs: number;
  readonly partBytesMax: number;
  readonly runsPerPackMax: number;
}

interface Waiting {
  readonly run: ClosedRun;
  readonly done: Deferred<void>;
}

interface Group {
  readonly waiting: Waiting[];
  /** Undefined once it is being written. */
  timer: { cancel(): void } | undefined;
}

export function createPacker(deps: { env: Env; archives: Archives }, options: PackerOptions) {
  const { env, archives } = deps;
  const groups = new Map<string, Group>();
  const writing = new Set<Promise<void>>();
  const archived = env.metrics.counter('archival_runs_total', 'Closed runs archived and verified');
  const failures = env.metrics.counter('archival_failures_total', 'Runs whose archival failed and will be tried again');
  const packRuns = env.metrics.histogram('archival_pack_runs', 'Runs per archive pack');
  const packMs = env.metrics.histogram('archival_pack_latency_ms', 'Milliseconds to write and verify a pack');

  /** Writes one pack; resolves to the runs that could not be read. */
  const writePack = async (
    archive: DomainArchive,
    runs: readonly ClosedRun[],
    day: string,
    content: { histories: boolean },
  ): Promise<ReadonlyMap<ClosedRun, unknown>> => {
    const sealedMs = env.clock.nowMs();
    const prefix = packPrefix(archive.folder, day, sealedMs, env.random.uuid());
    const written = await createPackWriter(archive.store, prefix, options).write(runs, content);
    if (written.runs.length === 0) return written.failed;
    const draft = {
      domain: archive.domain,
      domainId: archive.domainId,
      cluster: options.cluster,
      sealedAt: isoOf(sealedMs),
      closeDay: day,
      runCount: written.runs.length,
      eventCount: written.runs.reduce((sum: number, run: RunLine) => sum + run.eventCount, 0),
      parts: written.parts,
    };
    await archive.chain.append(draft, written.runs);
    return written.failed;
  };

  const archiveGroup = async (runs: readonly ClosedRun[]): Promise<ReadonlyMap<ClosedRun, unknown>> => {
    const [first] = runs;
    if (first === undefined) return new Map();
    const { historyUri, visibilityUri } = first;
    const domain = { id: first.domainId, name: first.domainName };
    const day = dayOf(closeTimeMsOf(first.info));
    let readable = runs;
    let failed: ReadonlyMap<ClosedRun, unknown> = new Map();
    if (historyUri !== '') {
      failed = await writePack(await archives.ofDomain(historyUri, domain), runs, day, { histories: true });
      readable = runs.filter((run) => !failed.has(run));
    }
    // One bucket for both: the pack just written has the visibility records already.
    if (visibilityUri !== '' && visibilityUri !== historyUri && readable.length > 0) {
      await writePack(await archives.ofDomain(visibilityUri, domain), readable, day, { histories: false });
    }
    return failed;
  };

  const finish = async (waiting: readonly Waiting[]): Promise<void> => {
    const startedMs = env.clock.monotonicMs();
    try {
      const failed = await archiveGroup(waiting.map(({ run }) => run));
      for (const { run, done } of waiting) {
        if (failed.has(run)) done.reject(failed.get(run));
        else done.resolve();
      }
      failures.inc(failed.size);
      archived.inc(waiting.length - failed.size);
      packRuns.observe(waiting.length);
      packMs.observe(env.clock.monotonicMs() - startedMs);
    } catch (error) {
      failures.inc(waiting.length);
      env.logger.warn('archive pack failed; its runs will be tried again', { error, runs: waiting.length });
      for (const { done } of waiting) done.reject(error);
    }
  };

  const seal = (key: string, group: Group): void => {
    groups.delete(key);
    group.timer?.cancel();
    const work: Promise<void> = finish(group.waiting).finally(() => writing.delete(work));
    writing.add(work);
  };

  return {
    add(run: ClosedRun): Promise<void> {
      const day = dayOf(closeTimeMsOf(run.info));
      const key = JSON.stringify([run.domainId, run.historyUri, run.visibilityUri, day]);
      let group = groups.get(key);
      if (group === undefined) {
        const opened: Group = { waiting: [], timer: undefined };
        opened.timer = env.scheduler.after(options.windowMs, () => seal(key, opened));
        groups.set(key, opened);
        group = opened;
      }
      const done = deferred<void>();
      group.waiting.push({ run, done });
      if (group.waiting.length >= options.runsPerPackMax) seal(key, group);
      return done.promise;
    },
    /** Archives what waits, and resolves when nothing is being written any more. */
    async drain(): Promise<void> {
      for (const [key, group] of [...groups]) seal(key, group);
      await Promise.all([...writing]);
    },
  };
}
