// What a start means when its workflow id is taken (semantics §2.12).

import { WorkflowIdReusePolicy as Policy, WorkflowExecutionCloseStatus as Status } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { DomainNotActiveError } from '#base';
import { type CurrentRunSummary, decideStart, type StartQuestion } from '#core';
import { CLUSTERS, GLOBAL_DOMAIN } from './engine-fixture.ts';

const context = { domain: GLOBAL_DOMAIN, clusters: CLUSTERS };
const open: CurrentRunSummary = {
  runId: 'run-0',
  createRequestId: 'other-request',
  isOpen: true,
  closeStatus: 0,
  lastWriteVersion: 1,
};
const closed = (closeStatus: number): CurrentRunSummary => ({ ...open, isOpen: false, closeStatus });
const ask = (reusePolicy: Policy): StartQuestion => ({
  workflowId: 'order',
  newRunId: 'run-1',
  requestId: 'request',
  reusePolicy,
});
const answer = (current: CurrentRunSummary | undefined, policy: Policy) => decideStart(current, ask(policy), context);

describe('a start', () => {
  it('creates when the id is free', () => {
    expect(answer(undefined, Policy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)).toEqual({ kind: 'create' });
  });

  it('that is repeated yields its run, even a closed one', () => {
    const again = { ...closed(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED), createRequestId: 'request' };
    expect(answer(again, Policy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)).toEqual({
      kind: 'existing',
      runId: 'run-0',
    });
  });

  it('is refused while a run is open, whatever the policy', () => {
    for (const policy of [
      Policy.WORKFLOW_ID_REUSE_POLICY_INVALID,
      Policy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
      Policy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
      Policy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
    ]) {
      expect(answer(open, policy)).toMatchObject({
        kind: 'alreadyStarted',
        error: {
          message: 'Workflow execution is already running. WorkflowId: order, RunId: run-0.',
          startRequestId: 'other-request',
          runId: 'run-0',
        },
      });
    }
  });

  it('may terminate the open run', () => {
    expect(answer(open, Policy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING)).toEqual({
      kind: 'terminateAndCreate',
      reason: 'TerminateIfRunning Policy',
      details: 'New runID: run-1',
    });
  });

  it('follows a failed run by default, not one that finished well', () => {
    const policy = Policy.WORKFLOW_ID_REUSE_POLICY_INVALID;
    for (const status of [
      Status.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED,
      Status.WORKFLOW_EXECUTION_CLOSE_STATUS_CANCELED,
      Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED,
      Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TIMED_OUT,
    ]) {
      expect(answer(closed(status), policy)).toEqual({ kind: 'create' });
    }
    expect(answer(closed(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED), policy)).toMatchObject({
      error: {
        message:
          'Workflow execution already finished successfully. WorkflowId: order, RunId: run-0. ' +
          'Workflow ID reuse policy: allow duplicate workflow ID if last run failed.',
      },
    });
  });

  it('follows any closed run, or none, when the policy says so', () => {
    const completed = closed(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED);
    expect(answer(completed, Policy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)).toEqual({ kind: 'create' });
    expect(answer(completed, Policy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING)).toEqual({ kind: 'create' });
    const failed = closed(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED);
    expect(answer(failed, Policy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)).toMatchObject({
      error: {
        message:
          'Workflow execution already finished. WorkflowId: order, RunId: run-0. ' +
          'Workflow ID reuse policy: reject duplicate workflow ID.',
      },
    });
  });

  it('is for the region that wrote last', () => {
    const ahead = { ...open, lastWriteVersion: 2 };
    expect(() => answer(ahead, Policy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)).toThrow(DomainNotActiveError);
  });
});
