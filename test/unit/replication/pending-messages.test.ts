import { describe, expect, it } from 'vitest';
import type { LogMessage } from '#log';
import { PendingMessages } from '../../../replication/consumer/pending-messages.ts';

const message = (offset: number, key: string): LogMessage => ({ offset, key, value: new Uint8Array(), timeMs: offset });

function pendingOf(messages: readonly LogMessage[]): PendingMessages {
  const pending = new PendingMessages(0);
  for (const each of messages) pending.add(each);
  return pending;
}

describe('pending messages', () => {
  it('gives one message of a key at a time, in order', () => {
    const pending = pendingOf([message(1, 'a'), message(2, 'a'), message(3, 'b')]);
    const first = pending.take()!;
    expect([first.offset, pending.take()?.offset, pending.take()]).toEqual([1, 3, undefined]);
    pending.done(first);
    expect(pending.take()?.offset).toBe(2);
  });

  it('moves the watermark only over what is applied without a gap', () => {
    const messages = [message(1, 'a'), message(2, 'b'), message(3, 'c')];
    const pending = pendingOf(messages);
    pending.done(messages[1]!);
    expect(pending.watermark).toBe(0);
    pending.done(messages[0]!);
    expect(pending.watermark).toBe(2);
    expect(pending.span).toBe(1);
  });

  it('passes offsets that the source has trimmed once everything before them is applied', () => {
    const messages = [message(1, 'a'), message(50, 'b')];
    const pending = pendingOf(messages);
    pending.reach(60);
    expect(pending.watermark).toBe(0);
    pending.done(messages[1]!);
    expect(pending.watermark).toBe(0);
    pending.done(messages[0]!);
    expect(pending.watermark).toBe(60);
    pending.reach(70);
    expect(pending.watermark).toBe(70);
  });

  it('does not pass a message that the source exchanged with a later one, or sent again', () => {
    const messages = [message(2, 'a'), message(1, 'b'), message(2, 'a')];
    const pending = pendingOf(messages);
    pending.done(messages[0]!);
    expect(pending.watermark).toBe(0);
    pending.done(messages[1]!);
    expect([pending.watermark, pending.span]).toEqual([2, 1]);
    pending.done(messages[2]!);
    expect([pending.watermark, pending.span]).toEqual([2, 0]);
  });
});
