import assert from 'node:assert/strict';
import { runAsMain, withWorker } from '../with-worker.ts';
import * as activities from './activities.ts';
import { batch } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows, activities }, async ({ client, taskList }) => {
    const handle = await client.workflow.start(batch, { taskList, executionTimeout: '1m' });
    const { processed, runs } = await handle.result();
    assert.deepEqual({ processed, runs }, { processed: 13, runs: 3 });
  });
}

await runAsMain(import.meta.url, run);
