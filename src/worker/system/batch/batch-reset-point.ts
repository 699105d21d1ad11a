// Where a batch resets a run to: an event of its history, by the names of Cadence's CLI.
import { GetWorkflowExecutionHistoryRequest, type HistoryEvent } from '@antiphon/proto';
import { badRequest } from '#base';
import type { FrontendClient } from '#rpc';
import type { BatchRun } from './batch-operation.ts';
import type { BatchResetType } from './batch-params.ts';

type EventKind = NonNullable<HistoryEvent['attributes']>['$case'];

interface Target {
  readonly kind: EventKind;
  readonly isFirst: boolean;
  /** A scheduled decision is left as if it had been started: the reset names the event after it. */
  readonly offset: bigint;
}

const COMPLETED: EventKind = 'decisionTaskCompletedEventAttributes';
const SCHEDULED: EventKind = 'decisionTaskScheduledEventAttributes';
const TARGETS: Readonly<Record<BatchResetType, Target>> = {
  FirstDecisionCompleted: { kind: COMPLETED, isFirst: true, offset: 0n },
  LastDecisionCompleted: { kind: COMPLETED, isFirst: false, offset: 0n },
  FirstDecisionScheduled: { kind: SCHEDULED, isFirst: true, offset: 1n },
  LastDecisionScheduled: { kind: SCHEDULED, isFirst: false, offset: 1n },
};

/** BadRequest when the run has no such event. */
export async function findResetPoint(frontend: FrontendClient, run: BatchRun, type: BatchResetType): Promise<bigint> {
  const { kind, isFirst, offset } = TARGETS[type];
  const { domain, workflowId, runId } = run;
  let found: bigint | undefined;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await frontend.workflow.getWorkflowExecutionHistory(
      GetWorkflowExecutionHistoryRequest.fromPartial({
        domain,
        workflowExecution: { workflowId, runId },
        nextPageToken,
      }),
    );
    for (const event of page.history?.events ?? []) {
      if (event.attributes?.$case !== kind) continue;
      found = event.eventId + offset;
      if (isFirst) return found;
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  if (found === undefined) throw badRequest(`run ${runId} of ${workflowId} has no event for reset type ${type}`);
  return found;
}
