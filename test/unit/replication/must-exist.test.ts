// Events that must find their run: of one that is not here nothing is made, neither by its first batch nor by a gap that is filled.
import { expect, it } from 'vitest';
import { EntityNotExistsError } from '#base';
import type { HistoryReplicationRequest } from '#rpc';
import { ModelRegion } from './model-region.ts';

const W = 'w';

it('are applied to it, and make none', async () => {
  const [a, b] = [new ModelRegion('a', 1, 1_000_000), new ModelRegion('b', 2, 5_000)];
  await a.start(W);
  const run = a.currentState(W);
  if (run === undefined) throw new Error('no run');
  await a.startDecision(run);
  const messages: HistoryReplicationRequest[] = [];
  for (const task of a.outbox) messages.push(await a.messageOf(task));
  expect(messages.length).toBeGreaterThan(1);
  for (const message of messages) {
    await expect(b.apply({ ...message, mustExist: true }, a)).rejects.toThrow(EntityNotExistsError);
    expect(b.currentState(W)).toBeUndefined();
  }
  const [first, ...others] = messages;
  await b.apply(first as HistoryReplicationRequest, a);
  for (const message of others) await b.apply({ ...message, mustExist: true }, a);
  expect(b.currentState(W)?.info.nextEventId).toBe(a.currentState(W)?.info.nextEventId);
});
