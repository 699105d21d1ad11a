import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { runAsMain, withWorker } from '../with-worker.ts';
import { serveOrders } from './service.ts';

async function request(url: string, body?: object): Promise<{ status: number; body: unknown }> {
  const init = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

/** `http` is the address of Antiphon's HTTP API. */
export async function run(address: string, domain = 'examples', antiphon = 'http://127.0.0.1:8800'): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, domain }, { workflows }, async ({ taskList }) => {
    const orders = await serveOrders({ antiphon, domain, taskList });
    try {
      const created = await request(`${orders.url}/orders`, { item: 'lamp', steps: ['pay', 'pack', 'ship'] });
      assert.equal(created.status, 201);
      const { id } = created.body as { id: string };
      const order = `${orders.url}/orders/${id}`;

      assert.equal((await request(`${order}/steps/pay`, { by: 'ada' })).status, 202);
      const paid = { item: 'lamp', done: { pay: 'ada' }, open: ['pack', 'ship'] };
      while (JSON.stringify((await request(order)).body) !== JSON.stringify(paid)) await delay(50);

      // Out of order, twice, and unknown: the workflow knows what to do.
      for (const step of ['ship', 'ship', 'gift-wrap', 'pack']) await request(`${order}/steps/${step}`, { by: 'bob' });
      const result = await request(`${order}/result`);
      assert.deepEqual(result.body, { item: 'lamp', done: { pay: 'ada', ship: 'bob', pack: 'bob' }, open: [] });

      const late = await request(`${order}/steps/pay`, { by: 'eve' });
      assert.equal(late.status, 404, 'a closed order takes no steps');
    } finally {
      await orders.close();
    }
  });
}

await runAsMain(import.meta.url, run);
