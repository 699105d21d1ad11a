// Gathers closed runs for about a second and archives them as packs: cost and latency of an archive are per object, not per run. Runs of one
// pack share their domain, their URIs and the day they closed on. A run is reported done only when its pack's manifest is in the chain.
import type { Deferred } from '#base';
import { deferred } from '#base';
import type { Env } from '#env';
import type { Archives, DomainArchive } from './archives.ts';
import { dayOf, isoOf, packPrefix } from './layout.ts';
import { writePack } from './pack-writer.ts';
import type { ClosedRun } from './ports.ts';
import { closeTimeMsOf } from './run-line.ts';

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
  timer: { cancel(): void } | undefined;
}

type Failures = ReadonlyMap<ClosedRun, unknown>;

const registerMetrics = ({ metrics }: Env) => ({
  archived: metrics.counter('archival_runs_total', 'Closed runs archived and verified'),
  failures: metrics.counter('archival_failures_total', 'Runs whose archival failed and will be tried again'),
  packRuns: metrics.histogram('archival_pack_runs', 'Runs per archive pack'),
  packMs: metrics.histogram('archival_pack_latency_ms', 'Milliseconds to write and verify a pack'),
});

export class Packer {
  readonly #env: Env;
  readonly #archives: Archives;
  readonly #options: PackerOptions;
  readonly #groups = new Map<string, Group>();
  readonly #writing = new Set<Promise<void>>();
  readonly #metrics;

  constructor(deps: { env: Env; archives: Archives }, options: PackerOptions) {
    this.#env = deps.env;
    this.#archives = deps.archives;
    this.#options = options;
    this.#metrics = registerMetrics(deps.env);
  }

  add(run: ClosedRun): Promise<void> {
    const day = dayOf(closeTimeMsOf(run.info));
    const key = JSON.stringify([run.domainId, run.historyUri, run.visibilityUri, day]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      const opened: Group = { waiting: [], timer: undefined };
      opened.timer = this.#env.scheduler.after(this.#options.windowMs, () => this.#seal(key, opened));
      this.#groups.set(key, opened);
      group = opened;
    }
    const done = deferred<void>();
    group.waiting.push({ run, done });
    if (group.waiting.length >= this.#options.runsPerPackMax) this.#seal(key, group);
    return done.promise;
  }

  /** Archives what waits, and resolves when nothing is being written any more. */
  async drain(): Promise<void> {
    for (const [key, group] of [...this.#groups]) this.#seal(key, group);
    await Promise.all([...this.#writing]);
  }

  #seal(key: string, group: Group): void {
    this.#groups.delete(key);
    group.timer?.cancel();
    const work: Promise<void> = this.#finish(group.waiting).finally(() => this.#writing.delete(work));
    this.#writing.add(work);
  }

  async #finish(waiting: readonly Waiting[]): Promise<void> {
    const { archived, failures, packRuns, packMs } = this.#metrics;
    const startedMs = this.#env.clock.monotonicMs();
    try {
      const failed = await this.#archiveGroup(waiting.map(({ run }) => run));
      for (const { run, done } of waiting) {
        if (failed.has(run)) done.reject(failed.get(run));
        else done.resolve();
      }
      failures.inc(failed.size);
      archived.inc(waiting.length - failed.size);
      packRuns.observe(waiting.length);
      packMs.observe(this.#env.clock.monotonicMs() - startedMs);
    } catch (error) {
      failures.inc(waiting.length);
      this.#env.logger.warn('archive pack failed; its runs will be tried again', { error, runs: waiting.length });
      for (const { done } of waiting) done.reject(error);
    }
  }

  async #archiveGroup(runs: readonly ClosedRun[]): Promise<Failures> {
    const [first] = runs;
    if (first === undefined) return new Map();
    const { historyUri, visibilityUri } = first;
    const domain = { id: first.domainId, name: first.domainName };
    const day = dayOf(closeTimeMsOf(first.info));
    let readable = runs;
    let failed: Failures = new Map();
    if (historyUri !== '') {
      failed = await this.#archive(await this.#archives.ofDomain(historyUri, domain), runs, day, true);
      readable = runs.filter((run) => !failed.has(run));
    }
    // One bucket for both: the pack just written has the visibility records already.
    if (visibilityUri !== '' && visibilityUri !== historyUri && readable.length > 0) {
      await this.#archive(await this.#archives.ofDomain(visibilityUri, domain), readable, day, false);
    }
    return failed;
  }

  /** Writes one pack and its manifest; resolves to the runs that could not be read. */
  async #archive(
    archive: DomainArchive,
    runs: readonly ClosedRun[],
    day: string,
    histories: boolean,
  ): Promise<Failures> {
    const { cluster, partBytesMax } = this.#options;
    const sealedMs = this.#env.clock.nowMs();
    const prefix = packPrefix(archive.folder, day, sealedMs, this.#env.random.uuid());
    const written = await writePack(archive.store, prefix, runs, { histories, partBytesMax });
    if (written.runs.length === 0) return written.failed;
    const draft = {
      domain: archive.domain,
      domainId: archive.domainId,
      cluster,
      sealedAt: isoOf(sealedMs),
      closeDay: day,
      runCount: written.runs.length,
      eventCount: written.runs.reduce((sum, run) => sum + run.eventCount, 0),
      parts: written.parts,
    };
    await archive.chain.append(draft, written.runs);
    return written.failed;
  }
}
