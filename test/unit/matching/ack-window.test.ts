// The ack level against a model that looks at all tasks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckWindow } from '../../../src/matching/ack-window.ts';

describe('the ack window', () => {
  it('has its level just below the first task that is not done, in whatever order they are done', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }), fc.nat(), (gaps, seed) => {
        const window = new AckWindow(10);
        const ids: number[] = [];
        for (const gap of gaps) ids.push((ids.at(-1) ?? 10) + gap);
        for (const id of ids) window.add(id);
        const left = new Set(ids);
        const order = [...ids].sort((a, b) => ((a * 7919 + seed) % 31) - ((b * 7919 + seed) % 31));
        for (const id of order) {
          window.done(id);
          left.delete(id);
          const first = [...left].sort((a, b) => a - b)[0];
          const doneBelow = ids.filter((other) => first === undefined || other < first);
          expect(window.ackLevel).toBe(doneBelow.at(-1) ?? 10);
        }
      }),
    );
  });

  it('follows the read level when nothing is outstanding', () => {
    const window = new AckWindow(0);
    window.readTo(100);
    expect(window.ackLevel).toBe(100);
    window.add(150);
    window.readTo(200);
    expect(window.ackLevel).toBe(100);
    window.done(150);
    expect(window.ackLevel).toBe(200);
  });
});
