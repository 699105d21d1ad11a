import type { Decision } from '@antiphon/proto';
import { ExecutionState } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import type { WorkflowState } from '#core';
import { branchOf, ModelRegion } from './model-region.ts';

const W = 'w';

const START_CHILD: Decision = {
  attributes: {
    $case: 'startChildWorkflowExecutionDecisionAttributes',
    value: {
      domain: 'domain',
      workflowId: 'child',
      workflowType: { name: 'type' },
      taskList: { name: 'list', kind: 1, baseName: '' },
      input: undefined,
      executionStartToCloseTimeout: { seconds: 1000n, nanos: 0 },
      taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
      parentClosePolicy: 1,
      control: new Uint8Array(),
      workflowIdReusePolicy: 1,
      retryPolicy: undefined,
      cronSchedule: '',
      header: undefined,
      memo: undefined,
      searchAttributes: undefined,
      cronOverlapPolicy: 0,
      activeClusterSelectionPolicy: undefined,
    },
  },
};

async function deliver(from: ModelRegion, to: ModelRegion): Promise<void> {
  const tasks = from.outbox;
  from.outbox = [];
  for (const task of tasks) await to.apply(await from.messageOf(task), from);
}

async function decide(region: ModelRegion, decisions: readonly Decision[]): Promise<void> {
  await region.startDecision(currentOf(region));
  await region.completeDecision(currentOf(region), decisions);
}

function currentOf(region: ModelRegion): WorkflowState {
  const state = region.currentState(W);
  if (state === undefined) throw new Error('no run');
  return state;
}

async function eventTypes(region: ModelRegion): Promise<readonly string[]> {
  const state = currentOf(region);
  const events = (await region.readBranch(branchOf(state), 1, state.info.nextEventId)).flat();
  return events.map(({ attributes }) => attributes?.$case.replace('EventAttributes', '') ?? '');
}

describe('a signal of a losing branch whose run has closed', () => {
  it('resets the run to before the child that was pending at its last decision', async () => {
    const a = new ModelRegion('a', 1, 1_000_000);
    const b = new ModelRegion('b', 2, 5_000);
    await a.start(W);
    await decide(a, []);
    await a.signal(currentOf(a), 'wakes it up');
    await decide(a, [START_CHILD]);
    await a.signal(currentOf(a), 'wakes it up again');
    await decide(a, []);
    await deliver(a, b);
    await b.failover(2, 'b');
    await b.terminate(currentOf(b));
    await a.signal(currentOf(a), 'acknowledged by the region that lost');
    const closed = currentOf(b).info.runId;

    await deliver(a, b);

    const state = currentOf(b);
    expect(state.info.runId).not.toBe(closed);
    expect(state.info.state).not.toBe(ExecutionState.EXECUTION_STATE_COMPLETED);
    expect(state.children.size).toBe(0);
    expect(await eventTypes(b)).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
      'decisionTaskCompleted',
      'workflowExecutionSignaled',
      'decisionTaskScheduled',
      'decisionTaskStarted',
      'decisionTaskFailed',
      'workflowExecutionSignaled',
      'workflowExecutionSignaled',
      'decisionTaskScheduled',
    ]);
    await a.failover(2, 'b');
    await deliver(b, a);
    expect(currentOf(a).info.runId).toBe(state.info.runId);
    expect(await eventTypes(a)).toEqual(await eventTypes(b));
  });
});
