import assert from 'node:assert/strict';
import { ApplicationFailure, WorkflowFailedError } from '@antiphon/sdk/client';
import { runAsMain, withWorker } from '../with-worker.ts';
import { addItem, cart, checkOut, contents, countOf, removeItem } from './workflows.ts';

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  await withWorker({ address, ...(domain && { domain }) }, { workflows }, async ({ client, taskList }) => {
    const options = { taskList, executionTimeout: '1m' } as const;
    const handle = await client.workflow.signalWithStart(cart, options, addItem, 'pen', 2);
    await handle.signal(addItem, 'pen', 1);
    await handle.signal(addItem, 'ink', 1);
    await handle.signal(removeItem, 'ink');
    // A strong query sees every signal that was accepted before it.
    assert.deepEqual(await handle.queryWith({ isStrong: true }, contents), { pen: 3 });
    assert.equal(await handle.query(countOf, 'pen'), 3);
    await handle.signal(checkOut);
    assert.deepEqual(await handle.result(), { pen: 3 });

    const empty = await client.workflow.signalWithStart(cart, options, checkOut);
    const error = await empty.result().catch((reason: unknown) => reason);
    assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
    assert.equal(error.cause.type, 'EmptyCart');
  });
}

await runAsMain(import.meta.url, run);
