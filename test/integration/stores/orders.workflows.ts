// A workflow for the servers on each kind of store: an activity, a timer, a signal.
import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@antiphon/sdk/workflow';

interface Activities {
  price(item: string): Promise<number>;
}
const { price } = proxyActivities<Activities>({ startToCloseTimeout: '30s' });

export const pay = defineSignal<[number]>('pay');

export async function order(item: string): Promise<string> {
  const asked = await price(item);
  let paid = 0;
  setHandler(pay, (amount) => {
    paid += amount;
  });
  await sleep('200ms');
  await condition(() => paid >= asked);
  return `${item} for ${paid}`;
}
