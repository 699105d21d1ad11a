// The smallest workflow: one activity, its result returned.
import { proxyActivities } from '@antiphon/sdk/workflow';
import type * as activities from './activities.ts';

const { greet } = proxyActivities<typeof activities>({ startToCloseTimeout: '10s' });

export async function hello(name: string): Promise<string> {
  return await greet(name);
}
