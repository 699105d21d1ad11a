import { TimeoutType } from '@antiphon/proto';
import { bundleWorkflows, type WorkflowBundle } from '@antiphon/sdk/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../../support/sdk/history.ts';
import { createPlay } from '../../support/sdk/play.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/unit/sdk/fixtures/basics.workflows.ts' });
});
const play = (type: string, ...args: unknown[]) => createPlay(bundle, type, ...args);

describe('activities and timers', () => {
  test('a sequence of calls becomes one decision each', () => {
    const run = play('order', 42);
    expect(run.step()).toEqual(['activity 0 charge 42']);
    run.history.completeActivity('0', 'paid');
    expect(run.step()).toEqual(['timer 1 90s']);
    run.history.fire('1');
    expect(run.step()).toEqual(['activity 2 ship "paid"']);
    run.history.completeActivity('2', 'gone');
    expect(run.step()).toEqual(['complete "gone"']);
  });

  test('a decision on news that wakes nothing decides nothing', () => {
    const run = play('order', 42);
    run.step();
    run.history.signal('unknown', 1);
    expect(run.step()).toEqual([]);
  });

  test('a failed activity fails the workflow with the failure of the activity', () => {
    const run = play('fails', 'activity');
    run.step();
    run.history.failActivity('0', 'CardDeclined', { message: 'no money' });
    expect(run.step()).toEqual(['fail CardDeclined']);
  });

  test('an attempt that failed before its time was up reports the failure, as in Go', () => {
    const run = play('fails', 'activity');
    run.step();
    run.history.timeOutActivity('0', TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE, failure('CardDeclined'));
    expect(run.step()).toEqual(['fail CardDeclined']);
    const other = play('fails', 'activity');
    other.step();
    other.history.timeOutActivity('0', TimeoutType.TIMEOUT_TYPE_HEARTBEAT);
    expect(other.step()).toEqual(['fail cadenceInternal:Timeout HEARTBEAT']);
  });
});

describe('activation order', () => {
  test('completions and signals of one batch wake code in event order', () => {
    const run = play('interleaving');
    expect(run.step()).toEqual(['activity 0 charge 1', 'activity 1 charge 2', 'timer 2 5s']);
    run.history.completeActivity('1');
    run.history.signal('note', 'x');
    run.history.fire('2');
    run.history.signal('note', 'y');
    run.history.completeActivity('0');
    expect(run.step()).toEqual(['complete ["b","signal x","timer","signal y","a"]']);
  });

  test('signals that came with the start are handled once the handler is set, in order', () => {
    const run = play('lateHandler');
    run.history.signal('note', 'one');
    run.history.signal('note', 'two');
    expect(run.step()).toEqual(['timer 0 1s']);
    run.history.signal('note', 'three');
    run.step();
    run.history.fire('0');
    run.history.signal('note', 'end');
    expect(run.step()).toEqual(['complete ["one","two","three","end"]']);
  });

  test('failed and timed out decision attempts leave no trace', () => {
    const run = play('order', 1);
    run.step();
    run.history.completeActivity('0', 'paid');
    run.history.schedule();
    run.history.start();
    run.history.failDecision();
    run.evict();
    expect(run.step()).toEqual(['timer 1 90s']);
  });

  test('conditions are tested in order of registration until none becomes true', () => {
    const run = play('conditions');
    expect(run.step()).toEqual(['timer 0 60s']);
    run.history.signal('note', '2');
    expect(run.step()).toEqual(['cancel timer 0', 'complete ["first","second true","after first"]']);
  });

  test('a condition whose time is up is false', () => {
    const run = play('conditions');
    run.step();
    run.history.signal('note', '1');
    run.history.fire('0');
    expect(run.step()).toEqual(['complete ["second false","first","after first"]']);
  });

  test('a condition that becomes true just before the end of its time is true', () => {
    const run = play('conditions');
    run.step();
    run.history.fire('0');
    run.history.signal('note', '2');
    expect(run.step()).toEqual(['complete ["second false","first","after first"]']);
    const sooner = play('conditions');
    sooner.step();
    sooner.history.signal('note', '2');
    sooner.history.fire('0');
    expect(sooner.step()).toEqual(['complete ["second true","first","after first"]']);
  });
});

describe('queries', () => {
  test('read state, keep their arguments, and list what is known', () => {
    const run = play('lateHandler');
    run.step();
    run.history.fire('0');
    run.history.signal('note', 'x');
    run.step();
    expect(run.query('notes')).toEqual(['x']);
    expect(run.query('same', 1, { a: 2 })).toEqual([1, { a: 2 }]);
    expect(run.query('__query_types')).toEqual(['__stack_trace', '__query_types', 'notes', 'same']);
    expect(run.query('__stack_trace')).toContain('waiting for a condition');
    expect(() => run.query('nope')).toThrow('unknown queryType nope. KnownQueryTypes=[__stack_trace __query_types');
  });
});

describe('cancellation', () => {
  test('reaches what the scope started, in order, and spares a non-cancellable scope', () => {
    const run = play('scopes');
    expect(run.step()).toEqual(['activity 0 charge 1', 'timer 1 60s']);
    run.history.requestCancel();
    expect(run.step()).toEqual(['cancel activity 0', 'cancel timer 1', 'activity 2 ship "back"']);
    run.history.cancelActivity('0');
    expect(run.step()).toEqual([]);
    run.history.completeActivity('2');
    expect(run.step()).toEqual(['complete "cleaned up"']);
  });

  test('an escaping cancellation closes the workflow as canceled', () => {
    const run = play('cancelled');
    run.step();
    run.history.requestCancel();
    expect(run.step()).toEqual(['cancel timer 0', 'cancel']);
  });

  test('a cancel request before the first decision cancels at once', () => {
    const run = play('cancelled');
    run.history.requestCancel();
    expect(run.step()).toEqual(['cancel']);
  });

  test('an activity may be waited for', () => {
    const run = play('waitsForCancel');
    run.step();
    run.history.requestCancel();
    expect(run.step()).toEqual(['cancel activity 0']);
    run.history.cancelActivity('0');
    expect(run.step()).toEqual(['complete "CancelledFailure"']);
  });

  test('a scope with a timeout cancels its body, and its timer when the body is done', () => {
    const slow = play('scopeTimeout');
    expect(slow.step()).toEqual(['timer 0 10s', 'activity 1 charge 1']);
    slow.history.fire('0');
    expect(slow.step()).toEqual(['cancel activity 1', 'complete "true"']);
    const quick = play('scopeTimeout');
    quick.step();
    quick.history.completeActivity('1', 'paid');
    expect(quick.step()).toEqual(['cancel timer 0', 'complete "paid"']);
  });
});

describe('other workflows', () => {
  test('a child is started, signalled and awaited', () => {
    const run = play('parent');
    expect(run.step()).toEqual(['child child run-1_0']);
    run.history.startChild('run-1_0');
    expect(run.step()).toEqual(['signal note to run-1_0']);
    run.history.deliverExternal('1');
    run.history.completeChild('run-1_0', 'grown');
    expect(run.step()).toEqual(['complete "run-of-run-1_0 grown"']);
  });

  test("a child's failure says which child and why", () => {
    const run = play('failingChild');
    run.step();
    run.history.startChild('kid');
    run.step();
    run.history.failChild('kid', 'Refused');
    expect(run.step()).toEqual(['complete "ChildWorkflowFailure: child workflow child (kid) failed: Refused"']);
  });

  test('a child is asked to cancel only after it started', () => {
    const run = play('cancelsChild');
    expect(run.step()).toEqual(['child child kid', 'timer 1 1s']);
    run.history.fire('1');
    expect(run.step()).toEqual([]);
    run.history.startChild('kid');
    expect(run.step()).toEqual(['cancel workflow kid']);
    run.history.cancelChild('kid');
    expect(run.step()).toEqual(['complete "CancelledFailure"']);
  });

  test('an external workflow is signalled and cancelled, or is unknown', () => {
    const run = play('external');
    expect(run.step()).toEqual(['signal note to other']);
    run.history.deliverExternal('0');
    expect(run.step()).toEqual(['cancel workflow other']);
    expect(run.step()).toEqual(['complete "delivered"']);
    const missing = play('external');
    missing.step();
    missing.history.deliverExternal('0', true);
    expect(missing.step()).toEqual(['complete "cannot signal workflow other: it is unknown"']);
  });

  test('a run continues as new with its arguments', () => {
    const run = play('continues', 1);
    run.step();
    run.history.fire('0');
    expect(run.step()).toEqual(['continue 2']);
  });
});

describe('recorded values', () => {
  test('versions are recorded once, with their search attribute', () => {
    const run = play('versions');
    expect(run.step()).toEqual([
      'marker Version "a" 1',
      'upsert CadenceChangeVersion',
      'marker Version "b" 3',
      'upsert CadenceChangeVersion',
      'timer 0 1s',
    ]);
    run.history.fire('0');
    expect(run.step()).toEqual(['complete [true,3,true,3]']);
  });

  test('side effects are computed once, changing ones recorded when they change', () => {
    const run = play('effects');
    const markers: string[] = [];
    while (!run.isClosed) {
      const words = run.step();
      markers.push(...words.filter((word) => word.startsWith('marker')));
      const timer = words.find((word) => word.startsWith('timer'));
      if (timer) run.history.fire(timer.split(' ')[1] ?? '');
      else expect(words).toEqual(['complete [{"at":1},null,0,0,1,1]']);
    }
    expect(markers).toEqual([
      `marker SideEffect 0 "${Buffer.from('{"at":1}\n').toString('base64')}"`,
      'marker SideEffect 1 ""',
      'marker MutableSideEffect "reading" "0\\n" 0',
      'marker MutableSideEffect "reading" "1\\n" 2',
    ]);
  });

  test('search attributes are upserted and visible to the run', () => {
    const run = play('attributes');
    expect(run.step()).toEqual(['upsert CustomKeywordField', 'timer 1 1s']);
    run.history.fire('1');
    expect(run.step()).toEqual(['complete {"CustomKeywordField":"x"}']);
  });

  test('a reset gives new random numbers after the cut and keeps those before', () => {
    const plain = play('clock');
    plain.step();
    plain.history.fire('0');
    const [usual] = plain.step();
    const reset = play('clock');
    reset.step();
    reset.history.schedule();
    reset.history.start();
    reset.history.resetDecision('run-2');
    reset.history.fire('0');
    reset.evict();
    const [changed] = reset.step();
    const values = (word = ''): unknown[] => JSON.parse(word.replace('complete ', '')) as unknown[];
    expect(values(changed).slice(3, 5)).toEqual(values(usual).slice(3, 5));
    expect(values(changed)[7]).not.toEqual(values(usual)[7]);
  });
});
