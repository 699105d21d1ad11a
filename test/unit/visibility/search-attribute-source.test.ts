// The attributes that operators add: checked, kept, and seen by every host of the store.
import { IndexedValueType } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { checkSearchAttributes, DEFAULT_LIMITS } from '#core';
import { createSimulatedEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { createSearchAttributeSource, SEARCH_ATTRIBUTES, searchAttributeRules } from '#visibility';

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_INT: INT } = IndexedValueType;

async function open() {
  const env = createSimulatedEnv({ seed: 1 });
  const { keyValues } = createMemoryStore();
  const [first, second] = [createSearchAttributeSource(env, keyValues), createSearchAttributeSource(env, keyValues)];
  await first.start();
  await second.start();
  return { env, keyValues, first, second };
}

describe('search attributes that are added', () => {
  it('hold at once where they were added, within a second elsewhere, and after a restart', async () => {
    const { env, keyValues, first, second } = await open();
    await first.add({ Tenant: KEYWORD, Amount: INT });
    expect(first.current().get('Tenant')).toMatchObject({ type: KEYWORD, values: 'keyword', isSystem: false });
    expect(second.current().has('Tenant')).toBe(false);
    await env.advance(1000);
    expect(second.current().get('Amount')).toMatchObject({ type: INT });
    const third = createSearchAttributeSource(env, keyValues);
    await third.start();
    expect(third.current().has('Tenant')).toBe(true);
    expect(third.current().has('CustomKeywordField')).toBe(true);
    for (const source of [first, second, third]) source.stop();
  });

  it('are joined when two hosts add at once', async () => {
    const { env, first, second } = await open();
    await Promise.all([first.add({ One: KEYWORD }), second.add({ Two: KEYWORD })]);
    await env.advance(1000);
    for (const source of [first, second]) {
      expect([...source.current().keys()]).toEqual(expect.arrayContaining(['One', 'Two']));
      source.stop();
    }
  });

  it('keep their type, and may be added again', async () => {
    const { first } = await open();
    await first.add({ Tenant: KEYWORD });
    await first.add({ Tenant: KEYWORD, CustomIntField: INT });
    await expect(first.add({ Tenant: INT })).rejects.toThrow('Key [Tenant] is already whitelisted as a different type');
    await expect(first.add({ CustomIntField: KEYWORD })).rejects.toThrow('already whitelisted as a different type');
    expect(first.current().get('Tenant')?.type).toBe(KEYWORD);
  });

  it.each([
    [{}, 'SearchAttributes are not provided'],
    [{ StartTime: INT }, 'Key [StartTime] is reserved by system'],
    [{ 'has space': INT }, 'Key [has space] must be letters, digits and underscores'],
    [{ '1st': INT }, 'Key [1st] must be letters'],
    [{ ['x'.repeat(256)]: INT }, 'is longer than 255 characters'],
    [{ Fine: 0 as IndexedValueType }, 'Key [Fine] has no valid type: 0'],
    [{ Fine: 9 as IndexedValueType }, 'Key [Fine] has no valid type: 9'],
  ])('are refused as a whole: %j', async (types, message) => {
    const { first } = await open();
    await expect(first.add(types)).rejects.toThrow(message);
    if (Object.keys(types).length === 0) return;
    await expect(first.add({ Other: KEYWORD, ...types })).rejects.toThrow(message);
    expect(first.current().has('Other')).toBe(false);
  });
});

describe('the values of search attributes', () => {
  const check = (fields: Record<string, unknown>): void =>
    checkSearchAttributes(
      {
        indexedFields: Object.fromEntries(
          Object.entries(fields).map(([key, value]) => [key, { data: Buffer.from(JSON.stringify(value)) }]),
        ),
      },
      searchAttributeRules(() => SEARCH_ATTRIBUTES),
      DEFAULT_LIMITS,
    );

  it.each([
    { CustomIntField: 5 },
    { CustomIntField: '5' },
    { CustomIntField: [1, 2] },
    { CustomDoubleField: 1.5 },
    { CustomBoolField: true },
    { CustomDatetimeField: '2026-01-31T12:00:00Z' },
    { CustomKeywordField: ['a', 'b'] },
    { CustomStringField: 'a b' },
  ])('are of their type: %j', (fields) => {
    expect(() => check(fields)).not.toThrow();
  });

  it.each([
    [{ CustomIntField: 'five' }, '"five" is not a valid search attribute value for key CustomIntField'],
    [{ CustomIntField: 1.5 }, '1.5 is not a valid search attribute value for key CustomIntField'],
    [{ CustomBoolField: 'perhaps' }, '"perhaps" is not a valid search attribute value for key CustomBoolField'],
    [{ CustomDatetimeField: 'today' }, '"today" is not a valid search attribute value for key CustomDatetimeField'],
    [{ CustomKeywordField: 7 }, '7 is not a valid search attribute value for key CustomKeywordField'],
    [{ CustomKeywordField: ['a', 7] }, '["a",7] is not a valid search attribute value for key CustomKeywordField'],
    [{ Unknown: 1 }, 'Unknown is not a valid search attribute key'],
    [{ RunID: 'x' }, 'RunID is read-only Cadence reservered attribute'],
    [{ CustomKeywordField: 'x'.repeat(3000) }, 'size limit exceed for key CustomKeywordField'],
  ])('are refused otherwise: %j', (fields, message) => {
    expect(() => check(fields)).toThrow(message);
  });
});
