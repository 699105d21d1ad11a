// Defects that the simulation has found stay fixed.
import { describe, expect, it } from 'vitest';
import { REGRESSIONS } from './regressions.ts';
import { runSeed } from './run-seed.ts';

describe('seeds that found a defect', () => {
  it.each(REGRESSIONS)('seed $seed is clean: $found', async ({ seed, hosts }) => {
    // The others were found before there were active-active domains: the same world again.
    const { violations } = await runSeed(seed, hosts === undefined ? { isActiveActive: false } : { hosts });
    expect(violations).toEqual([]);
  });
});
