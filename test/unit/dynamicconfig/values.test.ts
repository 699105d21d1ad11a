import { describe, expect, test } from 'vitest';
import { durationKey, formatDuration, intKey, listKey, parseDuration, stringKey } from '#dynamicconfig';
import { parseKind, parseValue } from '../../../src/dynamicconfig/values.ts';

describe('durations', () => {
  test.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h0m0s', 3_600_000],
    ['250ms', 250],
    ['1.5h', 5_400_000],
    ['0', 0],
    ['-2s', -2000],
    ['500us', 0.5],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 6);
  });

  test.each(['', '10', 's', '1 s', '10x', '1h-2m', 'abc', `${'1h'.repeat(100)}`])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test.each([
    [0, '0s'],
    [250, '250ms'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [1500, '1.5s'],
  ])('%d ms is written %s, and read back', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('a value', () => {
  const count = intKey('test.count', { default: 1, min: 1, max: 10, description: '' });
  const wait = durationKey('test.wait', { default: 0, max: 60_000, description: '' });
  const mode = stringKey('test.mode', { default: 'on', choices: ['on', 'off'], description: '' });
  const names = listKey('test.names', { default: [], description: '' });

  test.each([
    [count, 3, 3],
    [wait, '5s', 5000],
    [mode, 'off', 'off'],
    [names, ['a'], ['a']],
  ])('of its key’s type is taken', (key, raw, value) => {
    expect(parseValue(key as never, raw)).toEqual(value);
  });

  test.each([
    [count, 1.5, 'must be a whole number, and is 1.5'],
    [count, '3', 'must be a whole number, and is "3"'],
    [count, 0, 'must be 1 or more, and is 0'],
    [count, 11, 'must be 10 or less, and is 11'],
    [wait, 5, 'must be a duration such as 10s, 1m30s or 250ms, and is 5'],
    [wait, '2m', 'must be 1m0s or less, and is "2m"'],
    [wait, '-1s', 'must be 0s or more, and is "-1s"'],
    [mode, 'maybe', 'must be one of on, off, and is "maybe"'],
    [names, ['a', 1], 'must be a list of texts, and has 1'],
    [names, 'a', 'must be a list, and is "a"'],
  ])('that is none is refused with what was expected', (key, raw, message) => {
    expect(() => parseValue(key as never, raw)).toThrow(message);
  });

  test('of a key without effect is checked for its type', () => {
    expect(parseKind('bool', true)).toBe(true);
    expect(() => parseKind('bool', 'yes')).toThrow('must be true or false, and is "yes"');
    expect(() => parseKind('map', [])).toThrow('must be a map');
    expect(() => parseKind('float', Number.NaN)).toThrow('must be a number');
  });
});
