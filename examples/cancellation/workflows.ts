// A saga: what was booked is given back, last first, when a later step fails or somebody cancels the trip. Giving back runs in
// a scope that cancellation does not reach.
import { CancellationScope, defineQuery, proxyActivities, setHandler, sleep } from '@antiphon/sdk/workflow';
import type * as activities from './activities.ts';

const { book, giveBack } = proxyActivities<typeof activities>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 3, nonRetryableErrorTypes: ['SoldOut'] },
});

export const booked = defineQuery<readonly string[]>('booked');

export async function bookTrip(tripId: string, services: readonly string[], holdSeconds: number): Promise<string> {
  const done: string[] = [];
  setHandler(booked, () => done);
  try {
    for (const service of services) {
      await book(tripId, service);
      done.push(service);
    }
    // Time to change one's mind.
    await sleep({ seconds: holdSeconds });
    return `booked ${done.join(', ')}`;
  } catch (error) {
    await CancellationScope.nonCancellable(async () => {
      for (let last = done.pop(); last !== undefined; last = done.pop()) await giveBack(tripId, last);
    });
    throw error;
  }
}
