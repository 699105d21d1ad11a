// The simulation itself: a seed is a whole story, told the same each time.
import { describe, expect, it } from 'vitest';
import { runSeed } from './run-seed.ts';

describe('a simulated world', () => {
  it.each([2, 11, 24])('runs seed %i twice to the same trace, to the byte', async (seed) => {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    expect(second.trace).toBe(first.trace);
    expect(second.violations).toEqual(first.violations);
    expect(second.virtualMs).toBe(first.virtualMs);
  });

  it('of several hosts runs twice to the same trace, too', async () => {
    const [first, second] = [await runSeed(7, { hosts: 3 }), await runSeed(7, { hosts: 3 })];
    expect(second.trace).toBe(first.trace);
  });

  it('tells different stories for different seeds', async () => {
    const [one, other] = [await runSeed(5), await runSeed(6)];
    expect(one.trace).not.toBe(other.trace);
  });
});
