// What an error that escapes workflow code means. Failures are meant: they fail (or cancel) the workflow. Anything else is
// taken for a bug: it fails the decision task, and the workflow waits for a worker with the fix.
import { CancelledFailure, Failure } from '../common/index.ts';
import { ContinueAsNew } from './continue-as-new.ts';
import { wireArguments, wireFailure } from './wire-payload.ts';
import type { WorkflowRun } from './workflow-run.ts';

export function settleRun(run: WorkflowRun, error: unknown): void {
  if (error instanceof ContinueAsNew) run.close(error.command);
  else if (error instanceof CancelledFailure) run.close({ kind: 'cancel', details: wireArguments(error.details) });
  else if (error instanceof Failure || run.failsOnAnyError) run.close({ kind: 'fail', failure: wireFailure(error) });
  else run.failTask(error);
}
