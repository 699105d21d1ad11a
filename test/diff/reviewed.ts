// The differences that were looked at and are meant: test/diff/reviewed.json, each with its reason. An entry that no difference needs any more
// is an error, so that the list stays true.
import fs from 'node:fs';
import path from 'node:path';
import type { Difference } from './compare.ts';

interface ReviewedDifference {
  /** Of the scenario's name and of the difference's path; `*` stands for anything. */
  readonly scenario: string;
  readonly path: string;
  /** Of the values, as they are printed; empty: not there. Absent: any. */
  readonly reference?: string;
  readonly ours?: string;
  readonly reason: string;
}

export interface Review {
  /** Those on the list are taken away. */
  unreviewed(differences: readonly Difference[]): readonly Difference[];
  /** Entries that matched nothing so far, of the scenarios played. */
  unused(scenarios: readonly string[]): readonly string[];
  readonly matchCount: number;
}

const FILE = path.join(import.meta.dirname, 'reviewed.json');

const globToPattern = (glob: string): RegExp =>
  new RegExp(`^${glob.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's');

export function loadReview(): Review {
  const entries = (JSON.parse(fs.readFileSync(FILE, 'utf8')) as ReviewedDifference[]).map((entry) => ({
    ...entry,
    patterns: {
      scenario: globToPattern(entry.scenario),
      path: globToPattern(entry.path),
      reference: globToPattern(entry.reference ?? '*'),
      ours: globToPattern(entry.ours ?? '*'),
    },
    count: 0,
  }));
  type Entry = (typeof entries)[number];
  const covers = ({ patterns }: Entry, { scenario, path: at, reference, ours }: Difference): boolean =>
    patterns.scenario.test(scenario) &&
    patterns.path.test(at) &&
    patterns.reference.test(reference ?? '') &&
    patterns.ours.test(ours ?? '');
  return {
    unreviewed: (differences) =>
      differences.filter((difference) => {
        const entry = entries.find((candidate) => covers(candidate, difference));
        if (entry !== undefined) entry.count++;
        return entry === undefined;
      }),
    unused: (scenarios) =>
      entries
        .filter(({ count, patterns }) => count === 0 && scenarios.some((name) => patterns.scenario.test(name)))
        .map(({ scenario, path: of }) => `${scenario}: ${of}`),
    get matchCount() {
      return entries.reduce((sum, { count }) => sum + count, 0);
    },
  };
}
