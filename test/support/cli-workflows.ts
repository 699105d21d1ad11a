// Workflows that the commands of the suite act on.
import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
} from '@antiphon/sdk/workflow';

interface Activities {
  manual(): Promise<unknown>;
}
const { manual } = proxyActivities<Activities>({ startToCloseTimeout: '1m' });

/** Adds what signals bring until one says stop. */
export async function counter(start = 0): Promise<number> {
  let total = start;
  let isStopped = false;
  setHandler(defineSignal<[number]>('add'), (value) => {
    total += value;
  });
  setHandler(defineSignal('stop'), () => {
    isStopped = true;
  });
  setHandler(defineQuery<number>('sum'), () => total);
  await condition(() => isStopped);
  return total;
}

/** Ends at once. */
export async function echo(value: unknown): Promise<unknown> {
  return value;
}

/** Ends with what an operator says of its activity. */
export async function byHand(): Promise<unknown> {
  return await manual();
}

/** One run hands over to the next, which waits for a signal. */
export async function relay(lap = 0): Promise<unknown> {
  if (lap === 0) return await continueAsNew<typeof relay>(1);
  return await counter();
}
