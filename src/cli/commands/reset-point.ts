// Where `workflow reset` goes back to: the flags checked, and what there is to say of a run that has no such point.
import { findResetPoint, type ResetHow, type ResetType } from '#rpc';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, EXIT, usageError } from '../failure.ts';
import type { RunName } from './follow.ts';

export interface ResetFlags {
  readonly decisionOffset: number;
  readonly resetBadBinaryChecksum: string | undefined;
  readonly earliestTime: number | undefined;
}

/** The run that is reset, which LastContinuedAsNew makes the one before, and the event id that ResetWorkflowExecution takes. */
export interface RunPoint {
  readonly run: RunName;
  readonly eventId: number;
}

interface Server {
  readonly context: Pick<CliContext, 'domain'>;
  readonly connection: Connection;
}

/** @throws CliError when a type misses what it needs. */
export function resetHowOf(flags: ResetFlags, type: ResetType): ResetHow {
  const { decisionOffset, resetBadBinaryChecksum: badBinaryChecksum = '', earliestTime } = flags;
  if (decisionOffset > 0) throw usageError('--decision-offset must be 0 or less: it goes back from the last decision');
  if (type === 'BadBinary' && badBinaryChecksum === '') {
    throw usageError('--reset-type BadBinary needs --reset-bad-binary-checksum');
  }
  if (type === 'DecisionCompletedTime' && earliestTime === undefined) {
    throw usageError('--reset-type DecisionCompletedTime needs --earliest-time');
  }
  return { type, decisionOffset, badBinaryChecksum, earliestMs: earliestTime ?? 0 };
}

export async function resetPointOf({ context, connection }: Server, run: RunName, how: ResetHow): Promise<RunPoint> {
  const { workflowId, runId } = run;
  const point = await findResetPoint(connection.workflow, { domain: context.domain, workflowId, runId }, how);
  if ('lacks' in point) throw new CliError(`${workflowId} has ${point.lacks} to reset to`, { exitCode: EXIT.refused });
  return { run: { workflowId, runId: point.runId }, eventId: Number(point.eventId) };
}
