import assert from 'node:assert/strict';
import { runAsMain, withWorker } from '../with-worker.ts';
import { countAll, type countWords, delegate } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows }, async ({ client, taskList }) => {
    const options = { taskList, executionTimeout: '1m' } as const;
    const texts = ['one two', 'three', '', 'four five six'];
    const summary = await client.workflow.execute(countAll, { ...options, args: [texts] });
    assert.deepEqual(summary, { words: 6, failed: ['text 2: nothing to count'] });

    const childId = await client.workflow.execute(delegate, { ...options, args: ['it goes on'] });
    assert.equal(await client.workflow.handle<typeof countWords>(childId).result(), 3);
  });
}

await runAsMain(import.meta.url, run);
