import { describe, expect, it } from 'vitest';
import { growthPercent } from '../../../src/server/heap-growth.ts';

const MIB = 1024 * 1024;

describe('the growth of the heap', () => {
  it('gives a small heap 64 MiB, and a large one half of what lives in it', () => {
    expect(growthPercent(16 * MIB)).toBe(400);
    expect(growthPercent(64 * MIB)).toBe(100);
    expect(growthPercent(128 * MIB)).toBe(50);
    expect(growthPercent(1024 * MIB)).toBe(50);
  });
});
