// Differences for a reader: event sequences side by side, everything else as two lines.
import type { Difference } from './compare.ts';

export function differenceText({ scenario, path, reference, ours }: Difference): string {
  const title = `${scenario}\n  ${path}`;
  if (!path.endsWith('/events')) return `${title}\n    - cadence   ${shown(reference)}\n    + antiphon  ${shown(ours)}`;
  const theirs = (reference ?? '').split('\n');
  const own = (ours ?? '').split('\n');
  const width = Math.max(...theirs.map((line) => line.length), 'cadence'.length);
  const lines = Array.from({ length: Math.max(theirs.length, own.length) }, (_, index) => {
    const [left, right] = [theirs[index] ?? '', own[index] ?? ''];
    return `    ${left === right ? ' ' : '≠'} ${left.padEnd(width)}  ${right}`;
  });
  return [title, `      ${'cadence'.padEnd(width)}  antiphon`, ...lines].join('\n');
}

const shown = (value: string | undefined): string => value ?? '(not there)';
