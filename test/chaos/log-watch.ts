// What the hosts log is evidence, too: a client that is refused tries again, and nothing is missing in the end. No fault explains these lines.
import type { Violation } from '../support/checkers/index.ts';

const DEFECTS = [
  'stored bytes of a workflow are damaged',
  'a command failed unexpectedly',
  'call failed unexpectedly',
  'an invariant does not hold',
];

export interface LogWatch {
  /** A line of a host's log. */
  see(line: string): void;
  violations(): Violation[];
}

export function watchLogs(): LogWatch {
  const found: Violation[] = [];
  return {
    see(line) {
      if (!DEFECTS.some((defect) => line.includes(defect))) return;
      const workflowId = /"wf-id":"([^"]*)"/.exec(line)?.[1] ?? '-';
      found.push({ checker: 'log-explained', workflowId, story: line });
    },
    violations: () => found,
  };
}
