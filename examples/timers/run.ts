import assert from 'node:assert/strict';
import { runAsMain, withWorker } from '../with-worker.ts';
import { done, race, remind } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows }, async ({ client, taskList }) => {
    const options = { taskList, executionTimeout: '1m' } as const;
    const patient = await client.workflow.start(remind, { ...options, args: ['1s', 2] });
    const prompt = await client.workflow.start(remind, { ...options, args: ['1h', 2] });
    await prompt.signal(done);
    assert.equal((await prompt.result()).isDone, true);
    const report = await patient.result();
    assert.deepEqual([report.isDone, report.reminders], [false, 2]);
    assert.ok(report.seconds >= 2, `two reminders took ${report.seconds} s`);
    assert.equal(await client.workflow.execute(race, options), 'short');
  });
}

await runAsMain(import.meta.url, run);
