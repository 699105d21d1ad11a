import type { Decision } from '@antiphon/proto';
import { describe, expect, test } from 'vitest';
import { createDecisionMachines, type MachineKind } from '../../../sdk/worker/decision-machines.ts';

const decision = (timerId: string): Decision => ({
  attributes: { $case: 'cancelTimerDecisionAttributes', value: { timerId } },
});
const words = (decisions: readonly Decision[]): string[] =>
  decisions.map(({ attributes }) =>
    attributes?.$case === 'cancelTimerDecisionAttributes' ? attributes.value.timerId : '',
  );

function machine(kind: MachineKind) {
  const machines = createDecisionMachines();
  machines.add(kind, 'x', decision('do'), decision('undo'));
  return {
    take: () => words(machines.takeDecisions()),
    cancel: () => machines.cancel(kind, 'x'),
    handle: (event: Parameters<typeof machines.handle>[2]) => machines.handle(kind, 'x', event),
  };
}

describe('an activity or a timer', () => {
  test('is sent once and is gone when completed', () => {
    const timer = machine('timer');
    expect(timer.take()).toEqual(['do']);
    expect(timer.take()).toEqual([]);
    timer.handle('initiated');
    timer.handle('completion');
    expect(() => timer.handle('completion')).toThrow('which workflow code did not ask for');
  });

  test('that is cancelled before it was sent is never sent', () => {
    const timer = machine('timer');
    timer.cancel();
    expect(timer.take()).toEqual([]);
  });

  test('that is cancelled after it began sends its cancellation once', () => {
    const activity = machine('activity');
    activity.take();
    activity.handle('initiated');
    activity.cancel();
    expect(activity.take()).toEqual(['undo']);
    activity.handle('cancelInitiated');
    expect(activity.take()).toEqual([]);
    activity.handle('canceled');
  });

  test('that is cancelled between decision and event is cancelled after the event', () => {
    const timer = machine('timer');
    timer.take();
    timer.cancel();
    expect(timer.take()).toEqual([]);
    timer.handle('initiated');
    expect(timer.take()).toEqual(['undo']);
  });

  test('that completes while its cancellation is under way is done either way', () => {
    const activity = machine('activity');
    activity.take();
    activity.handle('initiated');
    activity.cancel();
    activity.take();
    activity.handle('completion');
    activity.handle('cancelFailed');
    activity.cancel();
  });

  test('whose cancellation failed goes on', () => {
    const timer = machine('timer');
    timer.take();
    timer.handle('initiated');
    timer.cancel();
    timer.take();
    timer.handle('cancelFailed');
    timer.handle('completion');
  });

  test.each(['completion', 'canceled', 'cancelInitiated', 'started'] as const)(
    'does not expect %s before it began',
    (event) => {
      const timer = machine('timer');
      timer.take();
      expect(() => timer.handle(event)).toThrow(/timer x in state decisionSent does not expect/);
    },
  );
});

describe('a child', () => {
  test('is asked to cancel only once it runs', () => {
    const child = machine('child');
    child.take();
    child.handle('initiated');
    child.cancel();
    expect(child.take()).toEqual([]);
    child.handle('started');
    expect(child.take()).toEqual(['undo']);
    child.handle('cancelInitiated');
    child.handle('canceled');
  });

  test('that could not be started is done', () => {
    const child = machine('child');
    child.take();
    child.handle('initiated');
    child.handle('initiateFailed');
    child.cancel();
    expect(child.take()).toEqual([]);
  });
});

describe('all machines together', () => {
  test('send in the order of the last touch, so a cancel follows what was decided before it', () => {
    const machines = createDecisionMachines();
    machines.add('timer', 'a', decision('a'), decision('cancel a'));
    machines.takeDecisions();
    machines.handle('timer', 'a', 'initiated');
    machines.add('timer', 'b', decision('b'));
    machines.cancel('timer', 'a');
    machines.add('marker', 'c', decision('c'));
    expect(words(machines.takeDecisions())).toEqual(['b', 'cancel a', 'c']);
  });

  test('refuse the same id twice', () => {
    const machines = createDecisionMachines();
    machines.add('timer', 'a', decision('a'));
    expect(() => machines.add('timer', 'a', decision('a'))).toThrow('timer a was decided twice');
  });
});
