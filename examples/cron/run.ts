import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { runAsMain, withWorker } from '../with-worker.ts';
import { countTicks } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  const counts: number[] = [];
  const activities = {
    report: (count: number): void => {
      counts.push(count);
    },
  };
  await withWorker({ address, ...(domain && { domain }) }, { workflows, activities }, async ({ client, taskList }) => {
    const schedule = { taskList, executionTimeout: '30s', cronSchedule: '@every 1s' } as const;
    const handle = await client.workflow.start(countTicks, schedule);
    for (let wait = 0; counts.length < 3 && wait < 300; wait++) await delay(100);
    await handle.terminate('the example has seen enough');
    assert.deepEqual(counts.slice(0, 3), [1, 2, 3]);
  });
}

await runAsMain(import.meta.url, run);
