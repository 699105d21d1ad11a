// The shared set of signal request ids: each state sees its own, however the others grow.

import { describe, expect, it } from 'vitest';
import { addedSignalRequestIds } from '#core';
import { SignalRequestIds } from '../../../src/core/signal-request-ids.ts';

describe('signal request ids', () => {
  it('grow without changing what older states see', () => {
    const empty = SignalRequestIds.of();
    const one = empty.with('a');
    const two = one.with('b');
    expect([...two]).toEqual(['a', 'b']);
    expect([...one]).toEqual(['a']);
    expect(one.has('b')).toBe(false);
    expect(empty.size).toBe(0);
  });

  it('part when an older state grows another way', () => {
    const one = SignalRequestIds.of(['a']);
    const left = one.with('b');
    const right = one.with('c');
    expect([...left]).toEqual(['a', 'b']);
    expect([...right]).toEqual(['a', 'c']);
    expect(right.has('b')).toBe(false);
    expect(addedSignalRequestIds(left, right)).toEqual(['c']);
  });

  it('hold an id once', () => {
    const one = SignalRequestIds.of(['a', 'a']);
    expect(one.size).toBe(1);
    expect(one.with('a')).toBe(one);
  });

  it('tell what was added since', () => {
    const one = SignalRequestIds.of(['a']);
    expect(addedSignalRequestIds(undefined, one)).toEqual(['a']);
    expect(addedSignalRequestIds(one, one)).toEqual([]);
    expect(addedSignalRequestIds(one, one.with('b').with('c'))).toEqual(['b', 'c']);
    expect(addedSignalRequestIds(new Set(['a']), SignalRequestIds.of(['a', 'b']))).toEqual(['b']);
  });

  it('are a set to whoever reads them', () => {
    const ids = SignalRequestIds.of(['a', 'b']);
    const seen: string[] = [];
    ids.forEach((id) => {
      seen.push(id);
    });
    expect(seen).toEqual(['a', 'b']);
    expect([...ids.keys()]).toEqual(['a', 'b']);
    expect([...ids.entries()]).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ]);
  });
});
