// Decisions that cross domains, derive timeouts or carry search attributes (semantics §2.6).

import { DecisionTaskFailedCause as Cause } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import type { DomainView } from '#core';
import { GLOBAL_DOMAIN, LOCAL_DOMAIN, payload, scheduleActivity, TestRun, World } from './engine-fixture.ts';

const duration = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });
const other: DomainView = { ...LOCAL_DOMAIN, id: 'other-id', name: 'other' };

function attempt(decision: Parameters<TestRun['complete']>[0][number], target = other, world = new World()) {
  const run = TestRun.start(world);
  const { failedCause } = run.step([decision], { findDomain: (name) => (name === target.name ? target : undefined) });
  return { run, failedCause };
}

const startChild = (domain: string) =>
  ({
    $case: 'startChildWorkflowExecutionDecisionAttributes',
    value: {
      domain,
      workflowId: 'child',
      workflowType: { name: 'Child' },
      parentClosePolicy: 0,
      control: new Uint8Array(0),
      workflowIdReusePolicy: 0,
      cronSchedule: '',
      cronOverlapPolicy: 0,
    },
  }) as const;

describe('a decision that names another domain', () => {
  it('is fine between local domains of one cluster', () => {
    expect(attempt(startChild('other')).failedCause).toBeUndefined();
    expect(attempt(scheduleActivity('a', { domain: 'other' })).failedCause).toBeUndefined();
  });

  it('is wrong where one of them is global', () => {
    const target = { ...GLOBAL_DOMAIN, id: 'other-id', name: 'other' };
    expect(attempt(startChild('other'), target).failedCause).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES,
    );
    expect(attempt(scheduleActivity('a', { domain: 'other' }), target).failedCause).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES,
    );
  });

  it('is tried again when nobody knows the domain', () => {
    expect(() => attempt(startChild('nowhere'))).toThrow(expect.objectContaining({ kind: 'InternalService' }));
  });
});

describe('timeouts of an activity', () => {
  const derive = (fields: object) => {
    const { run } = attempt(scheduleActivity('a', { scheduleToCloseTimeout: undefined, ...fields }));
    const activity = run.state.activities.get(5);
    return (
      activity && [
        activity.scheduleToCloseSeconds,
        activity.scheduleToStartSeconds,
        activity.startToCloseSeconds,
        activity.heartbeatSeconds,
      ]
    );
  };
  const retryPolicy = {
    initialInterval: duration(1),
    backoffCoefficient: 2,
    maximumAttempts: 3,
    nonRetryableErrorReasons: [] as string[],
  };

  it('follow from schedule-to-close', () => {
    expect(derive({ scheduleToCloseTimeout: duration(20) })).toEqual([20, 20, 20, 0]);
  });

  it('follow from the other two', () => {
    expect(derive({ scheduleToStartTimeout: duration(20), startToCloseTimeout: duration(30) })).toEqual([
      50, 20, 30, 0,
    ]);
  });

  it('never exceed the workflow', () => {
    expect(derive({ scheduleToCloseTimeout: duration(9999), heartbeatTimeout: duration(9999) })).toEqual([
      3600, 3600, 3600, 3600,
    ]);
  });

  it('leave room for retries', () => {
    const timeouts = { scheduleToStartTimeout: duration(2), startToCloseTimeout: duration(3) };
    expect(derive({ ...timeouts, retryPolicy })).toEqual([3600, 1800, 3, 0]);
    expect(derive({ ...timeouts, retryPolicy: { ...retryPolicy, expirationInterval: duration(60) } })).toEqual([
      60, 60, 3, 0,
    ]);
    const nonRetryableErrorReasons = ['cadenceInternal:Timeout SCHEDULE_TO_START'];
    expect(derive({ ...timeouts, retryPolicy: { ...retryPolicy, nonRetryableErrorReasons } })).toEqual([3600, 2, 3, 0]);
  });

  it('must be enough to derive the rest, and none negative', () => {
    expect(derive({ startToCloseTimeout: duration(3) })).toBeUndefined();
    expect(derive({ scheduleToCloseTimeout: duration(3), heartbeatTimeout: duration(-1) })).toBeUndefined();
  });
});

describe('search attributes', () => {
  const upsert = (fields: Record<string, string>, world = new World()) =>
    attempt(
      {
        $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
        value: {
          searchAttributes: {
            indexedFields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, payload(value)])),
          },
        },
      },
      other,
      world,
    );
  const bad = Cause.DECISION_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES;

  it('are merged', () => {
    const { run } = upsert({ A: '1', B: '2' });
    expect(Object.keys(run.state.info.searchAttributes?.indexedFields ?? {})).toEqual(['A', 'B']);
    expect(run.transfers).toEqual(['upsertVisibility']);
  });

  it('are limited in number and size', () => {
    expect(upsert({ A: 'x'.repeat(2048) }).failedCause).toBeUndefined();
    expect(upsert({ A: 'x'.repeat(2049) }).failedCause).toBe(bad);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`K${at}`, '1']));
    expect(upsert(many).failedCause).toBe(bad);
    const large = Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`K${at}`, 'x'.repeat(2000)]));
    expect(upsert(large).failedCause).toBe(bad);
  });

  it('must be known where the cluster knows some', () => {
    class Knowing extends World {
      override context() {
        const rule = { isSystem: false, isValue: (data: Uint8Array) => data.length === 1 };
        return {
          ...super.context(),
          searchAttributes: {
            find: (key: string) => (key === 'Known' ? rule : key === 'RunID' ? { ...rule, isSystem: true } : undefined),
          },
        };
      }
    }
    expect(upsert({ Known: '1' }, new Knowing()).failedCause).toBeUndefined();
    expect(upsert({ Unknown: '1' }, new Knowing()).failedCause).toBe(bad);
    expect(upsert({ Known: 'no' }, new Knowing()).failedCause).toBe(bad);
    expect(upsert({ RunID: '1' }, new Knowing()).failedCause).toBe(bad);
  });
});

describe('an id', () => {
  it('has at most a thousand characters', () => {
    expect(attempt(scheduleActivity('a'.repeat(1000))).failedCause).toBeUndefined();
    expect(attempt(scheduleActivity('a'.repeat(1001))).failedCause).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES,
    );
  });
});

describe('a decision without attributes', () => {
  it('is a bad request, and nothing happens', () => {
    const run = TestRun.start(new World());
    run.pollDecision();
    const empty = () => run.complete([], { decisions: [{}] });
    expect(empty).toThrow(expect.objectContaining({ kind: 'BadRequest' }));
    expect(run.state.info.nextEventId).toBe(4);
  });
});

// Found by fuzz: seconds beyond 32 bits failed when the state was encoded, and with it the commit and the shard.
describe('a duration that the state cannot keep', () => {
  const tooLong = { seconds: 2n ** 31n, nanos: 0 };
  const longest = { seconds: 2n ** 31n - 1n, nanos: 0 };
  const endless = { seconds: 2n ** 63n - 1n, nanos: 0 };
  const retryPolicy = {
    initialInterval: duration(1),
    backoffCoefficient: 2,
    maximumAttempts: 3,
    nonRetryableErrorReasons: [] as string[],
  };
  const child = (fields: object) => {
    const decision = startChild('');
    return attempt({ ...decision, value: { ...decision.value, ...fields } }).failedCause;
  };
  const anew = (fields: object) =>
    attempt({
      $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
      value: { initiator: 0, cronSchedule: '', cronOverlapPolicy: 0, ...fields },
    }).failedCause;

  it('fails the start of a child', () => {
    const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_CHILD_EXECUTION_ATTRIBUTES;
    for (const seconds of [tooLong, endless]) {
      expect(child({ executionStartToCloseTimeout: seconds })).toBe(cause);
      expect(child({ taskStartToCloseTimeout: seconds })).toBe(cause);
      expect(child({ retryPolicy: { ...retryPolicy, initialInterval: seconds } })).toBe(cause);
    }
    expect(child({ executionStartToCloseTimeout: longest, taskStartToCloseTimeout: longest })).toBeUndefined();
  });

  it('fails the run that would go on under another id', () => {
    const cause = Cause.DECISION_TASK_FAILED_CAUSE_BAD_CONTINUE_AS_NEW_ATTRIBUTES;
    expect(anew({ executionStartToCloseTimeout: tooLong })).toBe(cause);
    expect(anew({ taskStartToCloseTimeout: tooLong })).toBe(cause);
    expect(anew({ initiator: 3, backoffStartInterval: tooLong })).toBe(cause);
    expect(anew({ executionStartToCloseTimeout: longest })).toBeUndefined();
  });

  it('fails an activity by its retry policy; its timeouts are never longer than the workflow may run', () => {
    const activity = (fields: object) => attempt(scheduleActivity('a', fields)).failedCause;
    expect(activity({ retryPolicy: { ...retryPolicy, expirationInterval: tooLong } })).toBe(
      Cause.DECISION_TASK_FAILED_CAUSE_BAD_SCHEDULE_ACTIVITY_ATTRIBUTES,
    );
    expect(activity({ scheduleToCloseTimeout: endless })).toBeUndefined();
  });

  it('fails a timer beyond 292 years', () => {
    const timer = (seconds: bigint) =>
      attempt({
        $case: 'startTimerDecisionAttributes',
        value: { timerId: 't', startToFireTimeout: { seconds, nanos: 0 } },
      }).failedCause;
    expect(timer(9_223_372_037n)).toBe(Cause.DECISION_TASK_FAILED_CAUSE_BAD_START_TIMER_ATTRIBUTES);
    expect(timer(9_223_372_036n)).toBeUndefined();
  });
});
