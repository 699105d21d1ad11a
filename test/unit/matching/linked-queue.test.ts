// The queue against an array.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkedQueue, type QueueNode } from '../../../src/matching/linked-queue.ts';

describe('the linked queue', () => {
  it('does what an array does', () => {
    const operation = fc.oneof(
      fc.constant('push' as const),
      fc.constant('unshift' as const),
      fc.constant('shift' as const),
      fc.nat({ max: 20 }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = new LinkedQueue<number>();
        let model: QueueNode<number>[] = [];
        for (const [value, kind] of operations.entries()) {
          if (kind === 'push') model.push(queue.push(value));
          else if (kind === 'unshift') model.unshift(queue.unshift(value));
          else if (kind === 'shift') expect(queue.shift()).toBe(model.shift()?.value);
          else {
            const node = model[kind];
            if (node === undefined) continue;
            expect(queue.remove(node)).toBe(true);
            expect(queue.remove(node)).toBe(false);
            model = model.filter((other) => other !== node);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.peek()).toBe(model[0]?.value);
        }
      }),
    );
  });
});
