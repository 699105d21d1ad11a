// How figures are printed: a row with ratios against an earlier one, or the ratios of rounds in turns with their spread.
import type { Row } from './scenarios.ts';

export const figure = (value: number): string =>
  !Number.isFinite(value)
    ? '–'
    : Math.abs(value) >= 100
      ? value.toFixed(0)
      : Math.abs(value) >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

export function printRow(row: Row, before: Row | undefined): void {
  const parts = Object.entries(row.values).map(([name, value]) => {
    const old = before?.values[name];
    const ratio = old ? ` (×${(value / old).toFixed(2)})` : '';
    return `${name} ${figure(value)}${ratio}`;
  });
  console.log(`${row.scenario.padEnd(24)} ${parts.join('  ')}`);
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

/** The medians of rows of one scenario, with the ratio of each to those of the first scenario. */
export function printMedians(rows: readonly Row[]): void {
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))];
  const medians = scenarios.map((scenario): Row => {
    const own = rows.filter((row) => row.scenario === scenario);
    const names = Object.keys(own[0]?.values ?? {});
    return {
      scenario,
      values: Object.fromEntries(
        names.map((name) => [name, median(own.map(({ values }) => values[name] ?? Number.NaN))]),
      ),
    };
  });
  medians.forEach((row, index) => {
    printRow(row, index === 0 ? undefined : medians[0]);
  });
}

/** Each value of a scenario: medians before and now, the median ratio of the pairs, and their least and greatest. */
export function printPairs(pairs: readonly { readonly before: Row; readonly now: Row }[]): void {
  const scenario = pairs[0]?.now.scenario ?? '';
  console.log(scenario);
  for (const name of Object.keys(pairs[0]?.now.values ?? {})) {
    const before = pairs.map((pair) => pair.before.values[name] ?? Number.NaN);
    const now = pairs.map((pair) => pair.now.values[name] ?? Number.NaN);
    const ratios = now.map((value, index) => value / (before[index] as number));
    if (!ratios.every(Number.isFinite)) continue;
    const spread = `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
    console.log(
      `  ${name.padEnd(20)} ${figure(median(before)).padStart(8)} → ${figure(median(now)).padStart(8)}  ×${median(ratios).toFixed(2)} ${spread}`,
    );
  }
}
