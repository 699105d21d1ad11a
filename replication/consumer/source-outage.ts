// Tells the operator once when a source region stops answering, and once when it answers again, however many partitions notice and however
// often they try; not of a moment's silence, as of a region that starts a little later. What the other region or the network answers needs no stack: it is not our code that failed.
import { ServiceError } from '#base';
import type { Env } from '#env';

/** For the log: the text of a service error, anything else whole. */
export const loggedError = (error: unknown): unknown =>
  error instanceof ServiceError ? `${error.kind}: ${error.message.replace(/ Resolution note: ?$/, '')}` : error;

const QUIET_MS = 3000;

export class SourceOutage {
  readonly #env: Env;
  readonly #sourceCluster: string;
  readonly #failing = new Set<string>();
  #sinceMs = 0;
  #isTold = false;

  constructor(env: Env, sourceCluster: string) {
    this.#env = env;
    this.#sourceCluster = sourceCluster;
  }

  /** `reader`: who noticed, a partition for example. */
  failed(reader: string, error: unknown): void {
    const { logger, clock } = this.#env;
    if (this.#failing.size === 0) {
      this.#sinceMs = clock.monotonicMs();
      this.#isTold = false;
    }
    if (!this.#isTold && clock.monotonicMs() - this.#sinceMs >= QUIET_MS) {
      this.#isTold = true;
      const fields = { 'source-cluster': this.#sourceCluster, error: loggedError(error) };
      logger.warn('a remote cluster does not answer; replication from it waits', fields);
    }
    this.#failing.add(reader);
  }

  answered(reader: string): void {
    if (!this.#failing.delete(reader) || this.#failing.size > 0 || !this.#isTold) return;
    const { logger, clock } = this.#env;
    const fields = { 'source-cluster': this.#sourceCluster, downMs: Math.round(clock.monotonicMs() - this.#sinceMs) };
    logger.info('a remote cluster answers again; replication from it goes on', fields);
  }
}
