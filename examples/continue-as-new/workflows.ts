// A batch of any length: after a few pages the run ends and a new one goes on from the cursor, so no history grows large.
// Whoever waits for the result waits for the last run's.
import { continueAsNew, log, proxyActivities } from '@antiphon/sdk/workflow';
import type * as activities from './activities.ts';

const { loadPage, processItem } = proxyActivities<typeof activities>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 5 },
});

const PAGES_PER_RUN = 2;

export interface Progress {
  readonly cursor: number;
  readonly processed: number;
  readonly runs: number;
}

export async function batch(progress: Progress = { cursor: 0, processed: 0, runs: 1 }): Promise<Progress> {
  let { cursor, processed } = progress;
  for (let page = 0; page < PAGES_PER_RUN; page++) {
    const { items, next } = await loadPage(cursor);
    await Promise.all(items.map((item) => processItem(item)));
    processed += items.length;
    if (next === undefined) return { cursor, processed, runs: progress.runs };
    cursor = next;
  }
  log.info('continuing in a new run', { cursor, processed });
  return continueAsNew<typeof batch>({ cursor, processed, runs: progress.runs + 1 });
}
