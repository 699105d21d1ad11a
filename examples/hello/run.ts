import assert from 'node:assert/strict';
import { runAsMain, withWorker } from '../with-worker.ts';
import * as activities from './activities.ts';
import { hello } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows, activities }, async ({ client, taskList }) => {
    const greeting = await client.workflow.execute(hello, { taskList, executionTimeout: '1m', args: ['world'] });
    assert.equal(greeting, 'Hello, world!');
  });
}

await runAsMain(import.meta.url, run);
