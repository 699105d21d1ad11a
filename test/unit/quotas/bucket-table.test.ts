import { describe, expect, test } from 'vitest';
import { BucketTable } from '../../../src/quotas/bucket-table.ts';

describe('a bucket table', () => {
  test('stays within its bound, and lets go of buckets at rest first', () => {
    const table = new BucketTable(10);
    table.of('busy', 1, 0).take(0, 1);
    for (let i = 0; i < 8; i++) table.of(`idle-${i}`, 5, 0);
    const busy = table.of('busy', 1, 0);
    busy.take(2000, 1);
    table.of('more', 1, 2000);
    table.of('one more', 1, 2000);
    expect(table.size).toBeLessThanOrEqual(10);
    expect(table.of('busy', 1, 2000)).toBe(busy);
  });

  test('makes room even when every bucket is in use', () => {
    const table = new BucketTable(10);
    for (let i = 0; i < 1000; i++) table.of(`d${i}`, 1, i).take(i, 1);
    expect(table.size).toBeLessThanOrEqual(10);
  });
});
