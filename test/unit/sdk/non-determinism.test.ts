import { HistoryEvent } from '@antiphon/proto';
import { bundleWorkflows, replayHistory, type WorkflowBundle } from '@antiphon/sdk/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkReplay } from '../../../sdk/worker/replay-check.ts';
import { createPlay } from '../../support/sdk/play.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/unit/sdk/fixtures/basics.workflows.ts' });
});

/** History of a finished order. */
function orderHistory() {
  const run = createPlay(bundle, 'order', 42);
  run.step();
  run.history.completeActivity('0', 'paid');
  run.step();
  run.history.fire('1');
  run.step();
  run.history.completeActivity('2', 'gone');
  run.step();
  return run.history.events;
}
const changed = (from: string, to: string): WorkflowBundle => {
  expect(bundle.userCode.includes(from)).toBe(true);
  return { ...bundle, userCode: bundle.userCode.replace(from, to) };
};

describe('replaying a history', () => {
  test('accepts the code that made it', () => {
    expect(() => replayHistory(bundle, orderHistory())).not.toThrow();
  });

  test('accepts other inputs and timeouts', () => {
    const code = changed('await charge(amount)', 'await charge(amount + 1)');
    expect(() =>
      replayHistory({ ...code, userCode: code.userCode.replace('90s', '2h') }, orderHistory()),
    ).not.toThrow();
  });

  test('takes a request to cancel that was refused as the one decision that it was', () => {
    // The activity completed while the decision was made: the service writes both.
    const batch = [
      { $case: 'activityTaskCancelRequestedEventAttributes' as const, value: { activityId: '7' } },
      { $case: 'requestCancelActivityTaskFailedEventAttributes' as const, value: { activityId: '7' } },
    ].map((attributes, at) => HistoryEvent.fromPartial({ eventId: BigInt(5 + at), attributes }));
    const cancel = {
      attributes: { $case: 'requestCancelActivityTaskDecisionAttributes' as const, value: { activityId: '7' } },
    };
    expect(() => checkReplay([cancel], batch, 4)).not.toThrow();
    expect(() => checkReplay([], batch, 4)).toThrow('at event 5 history has CancelActivity{id 7}');
  });

  test('shows another activity where history has one', () => {
    const code = changed('await charge(amount)', 'await ship(amount)');
    expect(() => replayHistory(code, orderHistory())).toThrow(
      'non-deterministic workflow: at event 5 history has ScheduleActivity{id 0, type charge}, but workflow code now produces ScheduleActivity{id 0, type ship}',
    );
  });

  test('shows a call that is missing now', () => {
    const code = changed('await (0, import_workflow.sleep)("90s");', '');
    expect(() => replayHistory(code, orderHistory())).toThrow(
      'at event 10 history has StartTimer{id 1}, but workflow code now produces ScheduleActivity{id 1, type ship}',
    );
  });

  test('shows a call that is new', () => {
    const code = changed(
      'await charge(amount)',
      'await Promise.race([charge(amount), (0, import_workflow.sleep)("1h")])',
    );
    expect(() => replayHistory(code, orderHistory())).toThrow(
      'after event 3 history has no further decision, but workflow code now produces StartTimer{id 1}',
    );
  });

  test('shows an end that comes too early', () => {
    const code = changed('return await ship(payment);', 'return payment;');
    expect(() => replayHistory(code, orderHistory())).toThrow(
      'history has ScheduleActivity{id 2, type ship}, but workflow code now produces CompleteWorkflow',
    );
  });

  test('accepts a new call behind a patch, in old runs and in new ones', () => {
    const code = changed(
      'await charge(amount)',
      'await ((0, import_workflow.patched)("p") ? ship(amount) : charge(amount))',
    );
    expect(() => replayHistory(code, orderHistory())).not.toThrow();
    const fresh = createPlay(code, 'order', 1);
    expect(fresh.step()).toEqual(['marker Version "p" 1', 'upsert CadenceChangeVersion', 'activity 0 ship 1']);
  });

  test('refuses events that no call expects on a kept run', () => {
    const run = createPlay(bundle, 'order', 42);
    run.step();
    run.history.add('timerStartedEventAttributes', { timerId: '9' });
    expect(() => run.step()).toThrow('history has timer 9 (initiated), which workflow code did not ask for');
  });

  test('refuses a side effect that history does not have', () => {
    const code = changed('const payment =', '(0, import_workflow.sideEffect)(() => 1); const payment =');
    expect(() => replayHistory(code, orderHistory())).toThrow('history has no side effect 0');
  });
});
