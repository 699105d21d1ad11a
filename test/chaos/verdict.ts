// What a chaos run amounts to: how the calls of its journal ended, what is in the region at rest, and what the checkers find wrong with both.
import {
  historyWellformed,
  type Journal,
  journalKept,
  noLostWork,
  oneCurrentRun,
  type RegionSnapshot,
  type Violation,
} from '../support/checkers/index.ts';
import type { LogWatch } from './log-watch.ts';
import { stillOpen } from './quiet.ts';

export interface ChaosResult {
  readonly kills: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly runs: number;
  readonly events: number;
  readonly violations: readonly Violation[];
}

export const tally = (journal: Journal, { runs }: RegionSnapshot): Omit<ChaosResult, 'kills' | 'violations'> => ({
  acknowledged: journal.count('acknowledged'),
  unknown: journal.count('unknown'),
  refused: journal.count('refused'),
  runs: runs.length,
  events: runs.reduce((sum, run) => sum + run.events.length, 0),
});

/** Of a region that had the load to itself: it kept all that it acknowledged, all work is done, and its hosts had no error but the faults'. */
export const violationsOf = (journal: Journal, region: RegionSnapshot, logs: LogWatch): Violation[] => [
  ...journalKept(journal, region.runs),
  ...historyWellformed(region.runs),
  ...oneCurrentRun(region),
  ...noLostWork(region, () => false),
  ...stillOpen(region),
  ...logs.violations(),
];
