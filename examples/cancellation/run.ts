import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ActivityFailure, CancelledFailure, type Failure, WorkflowFailedError } from '@antiphon/sdk/client';
import { runAsMain, withWorker } from '../with-worker.ts';
import * as activities from './activities.ts';
import { booked, bookTrip } from './workflows.ts';

async function causeOf(result: Promise<unknown>): Promise<Failure> {
  const error = await result.then(() => undefined).catch((reason: unknown) => reason);
  assert.ok(error instanceof WorkflowFailedError, `expected a failed workflow, got ${error}`);
  return error.cause;
}

export async function run(address: string, domain?: string): Promise<void> {
  const workflows = new URL('./workflows.ts', import.meta.url);
  const { journalOf, book, giveBack } = activities;
  const code = { workflows, activities: { book, giveBack } };
  await withWorker({ address, ...(domain && { domain }) }, code, async ({ client, taskList }) => {
    const options = { taskList, executionTimeout: '1m' } as const;
    const soldOut = randomUUID();
    const failing = await client.workflow.start(bookTrip, {
      ...options,
      args: [soldOut, ['hotel', 'car', 'sold-out'], 1],
    });
    const cause = await causeOf(failing.result());
    assert.ok(!(cause instanceof ActivityFailure) && cause.message === 'sold-out has no places left');
    assert.deepEqual(journalOf(soldOut), ['book hotel', 'book car', 'give back car', 'give back hotel']);

    const regretted = randomUUID();
    const handle = await client.workflow.start(bookTrip, { ...options, args: [regretted, ['hotel', 'flight'], 50] });
    while ((await handle.query(booked)).length < 2) await delay(100);
    await handle.cancel('changed my mind');
    assert.ok((await causeOf(handle.result())) instanceof CancelledFailure);
    assert.deepEqual(journalOf(regretted), ['book hotel', 'book flight', 'give back flight', 'give back hotel']);

    const kept = await client.workflow.execute(bookTrip, { ...options, args: [randomUUID(), ['hotel'], 0] });
    assert.equal(kept, 'booked hotel');
  });
}

await runAsMain(import.meta.url, run);
