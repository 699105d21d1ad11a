import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { runAsMain, withWorker } from '../with-worker.ts';
import * as activities from './activities.ts';
import { approve, orderWorkflow, status } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows, activities }, async ({ client, taskList }) => {
    const order = { orderId: 'o-1', amount: 42, stepMs: 200, carrierFailures: 1, deliverySeconds: 1 };
    const handle = await client.workflow.start(orderWorkflow, { taskList, executionTimeout: '5m', args: [order] });
    while ((await handle.query(status)) !== 'waiting for approval') await delay(100);
    await handle.signal(approve, 'ada');
    assert.deepEqual(await handle.result(), {
      status: 'delivered',
      payment: 'payment-o-1',
      tracking: 'tracking-o-1',
      approvedBy: 'ada',
    });
    assert.equal(await handle.query(status), 'delivered');
  });
}

await runAsMain(import.meta.url, run);
