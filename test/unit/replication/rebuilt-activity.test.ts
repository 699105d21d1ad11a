import type { Decision } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import type { WorkflowState } from '#core';
import { ModelRegion } from './model-region.ts';

const W = 'w';
const seconds = (value: bigint) => ({ seconds: value, nanos: 0 });

const SCHEDULE: Decision = {
  attributes: {
    $case: 'scheduleActivityTaskDecisionAttributes',
    value: {
      activityId: 'pay',
      activityType: { name: 'type' },
      domain: 'domain',
      taskList: { name: 'list', kind: 1, baseName: '' },
      input: undefined,
      scheduleToCloseTimeout: seconds(1000n),
      scheduleToStartTimeout: seconds(1000n),
      startToCloseTimeout: seconds(1000n),
      heartbeatTimeout: seconds(0n),
      retryPolicy: {
        initialInterval: seconds(1n),
        backoffCoefficient: 2,
        maximumInterval: undefined,
        maximumAttempts: 9,
        nonRetryableErrorReasons: [],
        expirationInterval: seconds(1000n),
      },
      header: undefined,
      requestLocalDispatch: false,
    },
  },
};

const currentOf = (region: ModelRegion): WorkflowState => region.currentState(W) as WorkflowState;

async function deliver(from: ModelRegion, to: ModelRegion): Promise<void> {
  const tasks = from.outbox;
  from.outbox = [];
  for (const task of tasks) await to.apply(await from.messageOf(task), from);
}

/** What a SyncActivity of the other region leaves. */
function tellAttempt(region: ModelRegion, attempt: number): void {
  const state = currentOf(region);
  const activities = new Map([...state.activities].map(([id, activity]) => [id, { ...activity, attempt }]));
  region.workflow(W).set(state.info.runId, { ...state, activities });
}

describe('an activity that both branches of a run have', () => {
  it('keeps its attempt when the run is rebuilt from the branch that won', async () => {
    const a = new ModelRegion('a', 1, 1_000_000);
    const b = new ModelRegion('b', 2, 5_000);
    await a.start(W);
    await a.startDecision(currentOf(a));
    await a.completeDecision(currentOf(a), [SCHEDULE]);
    await deliver(a, b);
    for (const region of [a, b]) tellAttempt(region, 3);
    await b.failover(2, 'b');
    await b.signal(currentOf(b), 'on the branch that loses');
    await a.failover(11, 'a');
    await a.signal(currentOf(a), 'on the branch that wins');

    await deliver(a, b);

    const attempts = [a, b].map((region) => [...currentOf(region).activities.values()].map(({ attempt }) => attempt));
    expect(attempts).toEqual([[3], [3]]);
  });
});
