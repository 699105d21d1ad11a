// The audit port. Every driver.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEntry, AuditFilter } from '#persistence';
import { DRIVERS, type OpenedStore } from './drivers.ts';

const entry = (overrides: Partial<AuditEntry> = {}): AuditEntry => ({
  timeMs: 1000,
  principal: 'ann',
  callerName: 'cli',
  peer: '127.0.0.1:5000',
  operation: 'UpdateDomain',
  domain: 'shop',
  request: '{"name":"shop"}',
  before: '',
  after: '',
  outcome: 'unknown',
  message: '',
  ...overrides,
});
const ALL: AuditFilter = {
  operation: '',
  domain: '',
  principal: '',
  outcome: '',
  earliestMs: 0,
  latestMs: Number.MAX_SAFE_INTEGER,
};

describe.each(DRIVERS)('the audit port of $name', ({ open }) => {
  let opened: OpenedStore;
  const audit = () => opened.store.audit;
  const ids = async (filter: Partial<AuditFilter> = {}, beforeId = Number.MAX_SAFE_INTEGER, limit = 100) =>
    (await audit().list({ ...ALL, ...filter }, beforeId, limit)).map(({ id }) => id);
  beforeEach(async () => {
    opened = await open();
  });
  afterEach(() => opened.dispose());

  it('keeps entries and what completes them, also when it is opened again', async () => {
    const id = await audit().append(entry());
    expect(await audit().list(ALL, Number.MAX_SAFE_INTEGER, 10)).toEqual([{ ...entry(), id }]);
    const result = { before: '{"a":1}', after: '{"a":2}', outcome: 'ok', message: '' };
    await audit().finish(id, result);
    await opened.reopen();
    expect(await audit().list(ALL, Number.MAX_SAFE_INTEGER, 10)).toEqual([{ ...entry(), ...result, id }]);
  });

  it('lists the newest first, page by page, by each filter', async () => {
    const a = await audit().append(entry({ timeMs: 10, domain: 'a' }));
    const b = await audit().append(entry({ timeMs: 20, operation: 'RegisterDomain', principal: 'bob' }));
    const c = await audit().append(entry({ timeMs: 30, outcome: 'ok', domain: 'a' }));
    expect(await ids()).toEqual([c, b, a]);
    expect(await ids({}, c, 1)).toEqual([b]);
    expect(await ids({ domain: 'a' })).toEqual([c, a]);
    expect(await ids({ domain: 'a' }, c)).toEqual([a]);
    expect(await ids({ operation: 'RegisterDomain' })).toEqual([b]);
    expect(await ids({ principal: 'bob', domain: 'a' })).toEqual([]);
    expect(await ids({ outcome: 'ok' })).toEqual([c]);
    expect(await ids({ earliestMs: 20, latestMs: 29 })).toEqual([b]);
  });

  it('trims by age and by number, and never hands an id out twice', async () => {
    const made: number[] = [];
    for (const timeMs of [1, 2, 3, 4, 5]) made.push(await audit().append(entry({ timeMs })));
    const [, , third, fourth, fifth] = made as [number, number, number, number, number];
    expect(await audit().trim({ beforeMs: 3, countMax: 100 })).toBe(2);
    expect(await ids()).toEqual([fifth, fourth, third]);
    expect(await audit().trim({ beforeMs: 0, countMax: 2 })).toBe(1);
    expect(await ids()).toEqual([fifth, fourth]);
    expect(await audit().trim({ beforeMs: 100, countMax: 2 })).toBe(2);
    await audit().finish(fifth, { before: '', after: '', outcome: 'ok', message: '' });
    expect(await ids()).toEqual([]);
    await opened.reopen();
    expect(await audit().append(entry())).toBeGreaterThan(fifth);
  });
});
