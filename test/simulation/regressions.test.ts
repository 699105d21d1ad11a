// Defects that the simulation has found stay fixed.
import { describe, expect, it } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { runSeed } from './run-seed.ts';

describe('seeds that found a defect', () => {
  it.each(REGRESSIONS)('seed $seed is clean: $found', async ({ seed }) => {
    const { violations } = await runSeed(seed);
    expect(violations).toEqual([]);
  });
});
