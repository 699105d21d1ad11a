// Vectors made with github.com/dgryski/go-farm, which Cadence hashes with; one for each length class, and for both ways to the bytes.
import { expect, test } from 'vitest';
import { fingerprint32 } from '#base';

const digits = '0123456789abcdef'.repeat(16);

test.each([
  ['', 3_696_677_242],
  ['a', 1_016_544_589],
  ['abcd', 2_562_006_677],
  ['abcde', 2_750_637_740],
  ['workflow-id', 400_219_472],
  ['twelve-chars', 587_854_777],
  ['thirteen-char', 4_069_533_739],
  ['exactly-twenty-four-char', 3_734_305_366],
  ['exactly-twenty-five-chars', 1_398_678_152],
  ['f47ac10b-58cc-4372-a567-0e02b2c3d479', 1_260_396_835],
  ['grüße', 481_165_221],
  ['注文-4711-注文-4711-注文', 2_662_348_730],
  [digits, 2_346_795_569],
  [`${digits}x`, 1_933_863_209],
  [`${'x'.repeat(255)}é`, 2_264_515_956],
])('the fingerprint of %j is that of the reference', (text, expected) => {
  expect(fingerprint32(text)).toBe(expected);
});

test('a text after a longer one has its own fingerprint', () => {
  fingerprint32(digits);
  expect(fingerprint32('abcde')).toBe(2_750_637_740);
});
