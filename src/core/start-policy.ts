// What a start means when its workflow id is taken (semantics §2.12).

import { WorkflowExecutionCloseStatus, WorkflowIdReusePolicy } from '@antiphon/proto';
import { internalService, WorkflowExecutionAlreadyStartedError } from '#base';
import { notActive } from './active-cluster.ts';
import { clusterOfVersion } from './clusters.ts';
import type { DecideContext } from './commands.ts';

/** The current run of a workflow id. */
export interface CurrentRunSummary {
  readonly runId: string;
  readonly createRequestId: string;
  readonly isOpen: boolean;
  /** 0 while open. */
  readonly closeStatus: number;
  readonly lastWriteVersion: number;
}

export interface StartQuestion {
  readonly workflowId: string;
  readonly newRunId: string;
  readonly requestId: string;
  readonly reusePolicy: WorkflowIdReusePolicy;
}

export type StartAnswer =
  | { readonly kind: 'create' }
  /** The same request again: the run it made. */
  | { readonly kind: 'existing'; readonly runId: string }
  | { readonly kind: 'alreadyStarted'; readonly error: WorkflowExecutionAlreadyStartedError }
  /** Terminate the current run with these words, then create, in one commit. */
  | { readonly kind: 'terminateAndCreate'; readonly reason: string; readonly details: string };

const FAILED_STATUSES: ReadonlySet<number> = new Set([
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED,
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED,
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED,
  WorkflowExecutionCloseStatus.WORKFLOW_EXECUTION_CLOSE_STATUS_TIMED_OUT,
]);

export function decideStart(
  current: CurrentRunSummary | undefined,
  question: StartQuestion,
  context: Pick<DecideContext, 'domain' | 'clusters'>,
): StartAnswer {
  if (current === undefined) return { kind: 'create' };
  if (current.createRequestId === question.requestId) return { kind: 'existing', runId: current.runId };
  const { domain, clusters } = context;
  if (domain.failoverVersion < current.lastWriteVersion) {
    throw notActive(domain, clusters.currentCluster, clusterOfVersion(clusters, current.lastWriteVersion));
  }
  const ids = `WorkflowId: ${question.workflowId}, RunId: ${current.runId}.`;
  if (!current.isOpen) return decideReuse(current, question.reusePolicy, ids);
  if (question.reusePolicy === WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING) {
    const details = `New runID: ${question.newRunId}`;
    return { kind: 'terminateAndCreate', reason: 'TerminateIfRunning Policy', details };
  }
  return alreadyStarted(current, `Workflow execution is already running. ${ids}`);
}

function alreadyStarted(current: CurrentRunSummary, message: string): StartAnswer {
  const error = new WorkflowExecutionAlreadyStartedError(message, current.createRequestId, current.runId);
  return { kind: 'alreadyStarted', error };
}

function decideReuse(current: CurrentRunSummary, policy: WorkflowIdReusePolicy, ids: string): StartAnswer {
  switch (policy) {
    case WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE:
    case WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING:
      return { kind: 'create' };
    case WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_INVALID:
    case WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY: {
      if (FAILED_STATUSES.has(current.closeStatus)) return { kind: 'create' };
      const rule = 'Workflow ID reuse policy: allow duplicate workflow ID if last run failed.';
      return alreadyStarted(current, `Workflow execution already finished successfully. ${ids} ${rule}`);
    }
    case WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE: {
      const rule = 'Workflow ID reuse policy: reject duplicate workflow ID.';
      return alreadyStarted(current, `Workflow execution already finished. ${ids} ${rule}`);
    }
    default:
      throw internalService('Failed to process start workflow reuse policy.');
  }
}
