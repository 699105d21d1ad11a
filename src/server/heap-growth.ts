// How much garbage V8 may keep. By default it collects the old generation only when the heap has grown to about four times what lives in
// it, so a server whose workflows take 200 MB would grow to 800 MB. At 1.5 times a large heap stays small; a small one would
// be collected all the time for the sake of a few megabytes (a tenth of the CPU at full load), so it may grow by ROOM_BYTES in any case.
import { constants, type NodeGCPerformanceDetail, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const GROWTH_PERCENT_MIN = 50;
const ROOM_BYTES = 64 * 1024 * 1024;

type Collection = PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };

/** By how much the heap may grow before it is collected again, in percent of the bytes that live in it. */
export const growthPercent = (liveBytes: number): number =>
  Math.max(GROWTH_PERCENT_MIN, Math.round((100 * ROOM_BYTES) / liveBytes));

const setGrowth = (): void =>
  setFlagsFromString(`--heap-growing-percent=${growthPercent(getHeapStatistics().used_heap_size)}`);

let isBounded = false;

/** Bounds the growth of this process's heap from now on: anew after each collection of the old generation, for the one after it. */
export function boundHeapGrowth(): void {
  if (isBounded) return;
  isBounded = true;
  setGrowth();
  new PerformanceObserver((list) => {
    const collections = list.getEntries() as Collection[];
    if (collections.some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) setGrowth();
  }).observe({ entryTypes: ['gc'] });
}
