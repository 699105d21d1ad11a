// Timers: firing order, cancellation, and a cancel that comes when the timer has fired already.
import { cancelTimer, complete, timer } from '../messages.ts';
import { scenariosOf } from '../scenario.ts';

scenariosOf('timer', {
  'fire in the order of their times': async (p) => {
    const run = await p.start();
    await p.turn([timer('second', 2), timer('first', 1)]);
    await p.turn([]);
    await p.turn([complete()]);
    await p.history(run);
  },
  'of one time fire together': async (p) => {
    const run = await p.start();
    await p.turn([timer('b', 1), timer('a', 1), timer('c', 1)]);
    await p.turn([complete()]);
    await p.history(run);
  },
  'are canceled': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 30)]);
    await p.signal(run, 'wake');
    await p.turn([cancelTimer({ timerId: 't' })]);
    await p.history(run);
  },
  'are canceled in the decision that starts them': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 30), cancelTimer({ timerId: 't' }), timer('t', 1)]);
    await p.awaitEvent(run, 'TimerFired');
    await p.history(run);
  },
  'unknown are canceled in vain': async (p) => {
    const run = await p.start();
    await p.turn([cancelTimer({ timerId: 'none' })]);
    await p.history(run);
  },
  'fired while a decision runs are canceled all the same': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 1), timer('u', 1)]);
    await p.signal(run, 'wake');
    const task = await p.pollDecision();
    await p.sleep(2500);
    await p.decide(task, [cancelTimer({ timerId: 't' })]);
    await p.history(run);
    await p.turn([complete()]);
    await p.history(run, 'in the end');
  },
  'fired while a decision runs wait for its end': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 1)]);
    await p.signal(run, 'wake');
    const task = await p.pollDecision();
    await p.sleep(2500);
    await p.decide(task, [complete()]);
    await p.history(run);
  },
  'may have the id of one that is over': async (p) => {
    const run = await p.start();
    await p.turn([timer('t', 1)]);
    await p.turn([timer('t', 1)]);
    await p.turn([complete()]);
    await p.history(run);
  },
});
