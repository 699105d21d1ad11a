// Counts the failover markers of one source: when each partition of its log has passed the marker of a domain's failover, everything that the
// source wrote before it is applied here.
import type { FailoverMarkerAttributes } from '@antiphon/proto/admin';

const FAILOVERS_MAX = 10_000;

export class MarkerCount {
  readonly #passed = new Map<string, Set<number>>();

  /** True with the last partition. */
  pass(marker: FailoverMarkerAttributes, partition: number, partitionCount: number): boolean {
    const name = `${marker.domainId}/${marker.failoverVersion}`;
    const passed = this.#passed.get(name) ?? new Set();
    passed.add(partition);
    if (passed.size >= partitionCount) return this.#passed.delete(name) || true;
    this.#passed.set(name, passed);
    // Failovers whose markers never came all: the oldest is forgotten, its time-out ends it.
    const [oldest] = this.#passed.keys();
    if (this.#passed.size > FAILOVERS_MAX && oldest !== undefined) this.#passed.delete(oldest);
    return false;
  }
}
