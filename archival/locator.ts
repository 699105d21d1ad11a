// Where a run's history is, looked up directly: one small value per archived run in the region's own store, so that an archive costs no
// object per run. The objects are the truth: every locator can be made again from the runs objects (`reindex`).
import { dataInconsistency, isStoreError } from '#base';
import type { KeyValueStore } from '#persistence';
import type { RunLine } from './run-line.ts';

const BUCKET = 'archive-locator';
const CONCURRENT_PUTS = 32;

export interface Locator {
  readonly parts: readonly string[];
}

interface RunName {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
}

const keyOf = (run: RunName): string => JSON.stringify([run.domainId, run.workflowId, run.runId]);

export function createLocators(keyValues: KeyValueStore) {
  const put = async (line: RunLine): Promise<void> => {
    const value: Locator = { parts: line.parts };
    try {
      await keyValues.put(BUCKET, keyOf(line), Buffer.from(JSON.stringify(value)), 0);
    } catch (error) {
      // It has one already: a run's archive never changes, the first is as good as the second.
      if (!isStoreError(error, 'ConditionFailed')) throw error;
    }
  };
  return {
    async find(run: RunName): Promise<Locator | undefined> {
      const stored = await keyValues.get(BUCKET, keyOf(run));
      if (stored === undefined) return undefined;
      const locator: Locator = JSON.parse(Buffer.from(stored.value).toString('utf8'));
      if (!Array.isArray(locator.parts)) throw dataInconsistency(`Archive locator of run ${run.runId} is malformed.`);
      return locator;
    },
    async putAll(lines: readonly RunLine[]): Promise<void> {
      for (let from = 0; from < lines.length; from += CONCURRENT_PUTS) {
        await Promise.all(lines.slice(from, from + CONCURRENT_PUTS).map(put));
      }
    },
  };
}

export type Locators = ReturnType<typeof createLocators>;
