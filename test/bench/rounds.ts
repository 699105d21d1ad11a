// Two servers measured in turns by the same load, so that what disturbs the machine disturbs both: another commit's and this one's, or the reference's
// and ours. Or one number of hosts after another, for what more of them cost.
import { printMedians, printPairs, printRow } from './report.ts';
import type { BenchOptions, Row, Scenario } from './scenarios.ts';

export interface Contest {
  /** Names the first: "21b46e13b111", "Cadence 1.4.0". */
  readonly other: string;
  readonly before: BenchOptions;
  readonly now: BenchOptions;
  readonly rounds: number;
  /** Both of a pair at the same time. */
  readonly atOnce: boolean;
}

interface Pair {
  readonly before: Row;
  readonly now: Row;
}

/** Both servers in turns, or at once; whoever is first in one round is second in the next. */
async function measurePair(scenario: Scenario, contest: Contest, nowFirst: boolean): Promise<readonly Pair[]> {
  const { before, now } = contest;
  const order = nowFirst ? [now, before] : [before, now];
  const results: (readonly Row[])[] = [];
  if (contest.atOnce) results.push(...(await Promise.all(order.map(scenario))));
  else for (const options of order) results.push(await scenario(options));
  const [rowsBefore = [], rowsNow = []] = nowFirst ? results.reverse() : results;
  // The same scenario gives the same rows.
  return rowsNow.map((row, index) => ({ before: rowsBefore[index] as Row, now: row }));
}

/** Rounds of pairs. Gives the rows of both, with the other's named after it. */
export async function measureInTurns(scenarios: readonly Scenario[], contest: Contest): Promise<readonly Row[]> {
  const pairs: Pair[] = [];
  for (let round = 0; round < contest.rounds; round++) {
    for (const scenario of scenarios) {
      for (const pair of await measurePair(scenario, contest, round % 2 === 1)) {
        pairs.push(pair);
        printRow({ ...pair.before, scenario: `(${contest.other})` }, undefined);
        printRow(pair.now, pair.before);
      }
    }
  }
  const how = contest.atOnce ? 'at once' : 'in turns';
  console.log(`\n${contest.other} → this one: medians, and the ratios of ${contest.rounds} rounds ${how}`);
  for (const scenario of new Set(pairs.map(({ now }) => now.scenario)))
    printPairs(pairs.filter(({ now }) => now.scenario === scenario));
  return pairs.flatMap(({ before, now }) => [{ ...before, scenario: `${before.scenario} (${contest.other})` }, now]);
}

/** Rounds over deployments of different sizes, in turns. Gives all rows, named after the size. */
export async function measureSizes(
  scenarios: readonly Scenario[],
  sizes: readonly { readonly title: string; readonly options: BenchOptions }[],
  rounds: number,
): Promise<readonly Row[]> {
  const all: Row[] = [];
  for (const scenario of scenarios) {
    const rows: { readonly name: string; readonly title: string; readonly row: Row }[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const { title, options } of round % 2 === 0 ? sizes : sizes.toReversed()) {
        for (const row of await scenario(options)) {
          const named = { ...row, scenario: `${row.scenario} ${title}` };
          rows.push({ name: row.scenario, title, row: named });
          printRow(named, undefined);
        }
      }
    }
    console.log(`medians of ${rounds} rounds, and their ratios to ${sizes[0]?.title}`);
    for (const name of new Set(rows.map((each) => each.name))) {
      const order = sizes.flatMap(({ title }) => rows.filter((each) => each.name === name && each.title === title));
      printMedians(order.map(({ row }) => row));
      all.push(...order.map(({ row }) => row));
    }
  }
  return all;
}
