// The workflow under fire: activities, timers and signals, in an order that a lost or doubled event would show.
import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@antiphon/sdk/workflow';
import type * as activities from './activities.ts';

const { step } = proxyActivities<typeof activities>({
  startToCloseTimeout: '3s',
  // A step that failed all through an outage must not outwait the rest of the run.
  retry: { initialInterval: '1s', maximumInterval: '5s', maximumAttempts: 100 },
});
const tick = defineSignal<[string]>('tick');

export async function chaos(input: {
  steps: number;
  signals: number;
}): Promise<{ signals: string[]; steps: number[] }> {
  const signals: string[] = [];
  const steps: number[] = [];
  setHandler(tick, (id: string) => {
    signals.push(id);
  });
  for (let index = 0; index < input.steps; index++) {
    steps.push(await step(index));
    if (index % 2 === 0) await sleep('1s');
  }
  await condition(() => signals.length >= input.signals);
  return { signals, steps };
}
