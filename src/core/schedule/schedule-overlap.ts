// What a fire does when runs of the same schedule are still open. Pure.
import type { OverlapPolicy } from './schedule.ts';

/** The most of each that a schedule holds, whatever its own limits say. */
export const BUFFERED_FIRES_MAX = 1000;
export const CONCURRENT_RUNS_MAX = 1000;

/** `wait`: the fire is tried again when a run has closed; only backfills wait, what is due by the clock is buffered or skipped. */
export type FireVerdict = 'start' | 'skip' | 'buffer' | 'wait' | 'cancelThenStart' | 'terminateThenStart';

export interface FireQuestion {
  readonly overlap: OverlapPolicy;
  readonly running: number;
  readonly buffered: number;
  readonly bufferLimit: number;
  readonly concurrencyLimit: number;
  readonly isBackfill: boolean;
}

const limitOf = (own: number, most: number): number => (own > 0 ? Math.min(own, most) : most);

export function judgeFire(question: FireQuestion): FireVerdict {
  const { overlap, running, buffered, isBackfill } = question;
  switch (overlap) {
    case 'skipNew':
      return running > 0 ? 'skip' : 'start';
    case 'buffer':
      if (running === 0 && buffered === 0) return 'start';
      if (isBackfill) return 'wait';
      return buffered < limitOf(question.bufferLimit, BUFFERED_FIRES_MAX) ? 'buffer' : 'skip';
    case 'concurrent':
      if (running < limitOf(question.concurrencyLimit, CONCURRENT_RUNS_MAX)) return 'start';
      return isBackfill ? 'wait' : 'skip';
    case 'cancelPrevious':
      return running > 0 ? 'cancelThenStart' : 'start';
    case 'terminatePrevious':
      return running > 0 ? 'terminateThenStart' : 'start';
  }
}
