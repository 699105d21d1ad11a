import { activity, complete, payload, timer } from '../messages.ts';
import { scenariosOf } from '../scenario.ts';

scenariosOf('start', {
  'a workflow of one decision': async (p) => {
    const run = await p.start({ input: payload('input') });
    await p.turn([complete()]);
    await p.history(run);
    await p.describe(run);
  },
  'a workflow with an activity': async (p) => {
    const run = await p.start();
    await p.turn([activity('pay')]);
    await p.describe(run);
    const task = await p.pollActivity();
    await p.call.worker.respondActivityTaskCompleted({
      taskToken: task.taskToken,
      result: payload('paid'),
      identity: 'worker',
    });
    await p.turn([complete()]);
    await p.history(run);
  },
  'a workflow with a timer': async (p) => {
    const run = await p.start();
    await p.turn([timer('soon', 1)]);
    await p.turn([complete()]);
    await p.history(run);
  },
});
