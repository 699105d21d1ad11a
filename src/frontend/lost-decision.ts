// A decision that history started for a poll whose worker hung up in the meantime: nobody has it, so nobody will answer it. The reference leaves
// it to its start-to-close timeout; here it fails at once, and the next poll of the list has it. Only decisions: failing an activity would cost
// it an attempt, or its workflow the activity. What this cannot do, the timeout does.
import { DecisionTaskFailedCause, type PollForDecisionTaskResponse } from '@antiphon/proto';
import { ServiceError } from '#base';
import type { Env } from '#env';
import { decodeTaskToken, type HistoryClient } from '#rpc';

export interface LostPoll {
  readonly identity: string;
  readonly binaryChecksum: string;
}

export async function takeBackDecision(
  { env, history }: { readonly env: Env; readonly history: Pick<HistoryClient, 'respondDecisionTaskFailed'> },
  task: PollForDecisionTaskResponse,
  { identity, binaryChecksum }: LostPoll,
): Promise<void> {
  // Nothing was taken, or a query, which goes to the next poll by itself.
  if (task.taskToken.length === 0 || task.query !== undefined) return;
  const { domainId, workflowId, runId, scheduleId, scheduleAttempt: attempt } = decodeTaskToken(task.taskToken);
  const cause = DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_STICKY_TASK_LIST;
  const details = { data: Buffer.from('the worker hung up before it had the decision') };
  try {
    const decision = { domainId, workflowId, runId, scheduleId, attempt };
    await history.respondDecisionTaskFailed(decision, { cause, details, identity, binaryChecksum });
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'EntityNotExists') return;
    env.logger.warn('a decision that nobody has waits for its timeout', {
      'wf-id': workflowId,
      'wf-run-id': runId,
      error,
    });
  }
}
