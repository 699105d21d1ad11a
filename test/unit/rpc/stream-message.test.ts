// A request's message is the same however its bytes are cut.
import { describe, expect, test } from 'vitest';
import { StreamMessage } from '../../../src/rpc/stream-message.ts';

const framed = (text: string): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
};
const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

describe('the message of a stream', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 100])('is whole when its bytes come by %i', (size) => {
    const message = new StreamMessage(1000);
    for (const chunk of cut(framed('Hello, world'), size)) {
      expect(message.take()).toBeUndefined();
      expect(message.add(chunk)).toBeUndefined();
    }
    expect(message.take()?.toString()).toBe('Hello, world');
  });

  test('may be empty, and is none without its prefix', () => {
    const message = new StreamMessage(1000);
    expect(message.take()).toBeUndefined();
    message.add(framed(''));
    expect(message.take()).toEqual(Buffer.alloc(0));
  });

  test('has bytes of its own', () => {
    const chunk = framed('kept');
    const message = new StreamMessage(1000);
    message.add(chunk);
    const taken = message.take();
    chunk.fill(0);
    expect(taken?.toString()).toBe('kept');
  });

  test.each([1, 4, 100])('is refused by its size before it comes, and with bytes after it (by %i)', (size) => {
    const large = new StreamMessage(10);
    const found = cut(framed('twelve bytes').subarray(0, 6), size).map((chunk) => large.add(chunk));
    expect(found).toContain('too large');
    expect(large.size).toBe(12);
    const two = new StreamMessage(10);
    const both = Buffer.concat([framed('one'), framed('two')]);
    expect(cut(both, size).map((chunk) => two.add(chunk))).toContain('a second one');
  });
});
