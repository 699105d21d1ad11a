// Where a run's history is, looked up directly: one small value per archived run in the region's own store, so that an archive costs no
// object per run. The objects are the truth: every locator can be made again from the runs objects (`reindex`).
//
// Conflict resolution can give a closed run other events after it was archived: the version of its close event tells one archive of it
// from the next. The locator names the newest, which is what reads return; older ones stay in the chain.
import { dataInconsistency, isStoreError } from '#base';
import type { KeyValueStore } from '#persistence';
import type { RunLine } from './run-line.ts';

const BUCKET = 'archive-locator';
const CONCURRENT_PUTS = 32;

export interface Locator {
  readonly parts: readonly string[];
  readonly closeFailoverVersion: number;
  readonly eventCount: number;
}

/** Of two archives of one run, the one with the higher close version has the events that won. */
export const isNewer = (a: Omit<Locator, 'parts'>, b: Omit<Locator, 'parts'>): boolean =>
  a.closeFailoverVersion > b.closeFailoverVersion ||
  (a.closeFailoverVersion === b.closeFailoverVersion && a.eventCount > b.eventCount);

interface RunName {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
}

const keyOf = (run: RunName): string => JSON.stringify([run.domainId, run.workflowId, run.runId]);

export function createLocators(keyValues: KeyValueStore) {
  const load = async (run: RunName): Promise<{ locator: Locator; version: number } | undefined> => {
    const stored = await keyValues.get(BUCKET, keyOf(run));
    if (stored === undefined) return undefined;
    const locator: Locator = JSON.parse(Buffer.from(stored.value).toString('utf8'));
    if (!Array.isArray(locator.parts)) throw dataInconsistency(`Archive locator of run ${run.runId} is malformed.`);
    return { locator, version: stored.version };
  };
  const put = async (line: RunLine): Promise<void> => {
    const { parts, closeFailoverVersion, eventCount } = line;
    const value: Locator = { parts, closeFailoverVersion, eventCount };
    // Nearly always the first of its run, so it is written without looking.
    for (let version = 0; ; ) {
      try {
        await keyValues.put(BUCKET, keyOf(line), Buffer.from(JSON.stringify(value)), version);
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed')) throw error;
      }
      const stored = await load(line);
      if (stored !== undefined && !isNewer(value, stored.locator)) return;
      version = stored?.version ?? 0;
    }
  };
  return {
    async find(run: RunName): Promise<Locator | undefined> {
      return (await load(run))?.locator;
    },
    async putAll(lines: readonly RunLine[]): Promise<void> {
      for (let from = 0; from < lines.length; from += CONCURRENT_PUTS) {
        await Promise.all(lines.slice(from, from + CONCURRENT_PUTS).map(put));
      }
    },
  };
}

export type Locators = ReturnType<typeof createLocators>;
