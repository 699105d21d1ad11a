// Flags that many commands share: which run is meant, what goes in, who does it.
import os from 'node:os';
import { QueryConsistencyLevel } from '@antiphon/proto';
import { usageError } from '../failure.ts';
import { oneOf, required, text } from '../spec/flags.ts';

export const RUN_FLAGS = {
  workflowId: required(text('workflow-id w wid', 'workflow id', 'id')),
  runId: text('run-id r rid', 'run id; the current run when left out', 'id'),
};

export const INPUT_FLAGS = {
  input: text('input i', 'JSON values one after another', 'json'),
  inputFile: text('input-file if', 'the same from a file, - for stdin', 'file'),
};

export const consistencyFlag = oneOf(
  'query-consistency-level qcl consistency',
  'strong: sees every acknowledged event',
  ['eventual', 'strong'],
);

export const consistencyOf = (level: 'eventual' | 'strong' | undefined): QueryConsistencyLevel =>
  level === 'strong'
    ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG
    : level === 'eventual'
      ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL
      : QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_INVALID;

export const identity = `antiphon-cli@${os.hostname()}`;

/** Who types, as Cadence's CLI notes it with resets, batches and failovers. */
export const operator = (): string => process.env.USER || process.env.LOGNAME || process.env.HOME || 'unknown';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export function runOf({ workflowId, runId }: { workflowId: string; runId?: string | undefined }): {
  workflowId: string;
  runId: string;
} {
  if (runId !== undefined && runId !== '' && !UUID.test(runId)) {
    throw usageError(`not a run id: "${runId}"; run ids are UUIDs`);
  }
  return { workflowId, runId: runId ?? '' };
}
