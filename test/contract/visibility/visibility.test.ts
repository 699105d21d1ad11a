// The visibility port: what the query language means, paging, versions. Every driver gives the same answers.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceError } from '#base';
import type { Listing, VisibilityRecord } from '#visibility';
import { DRIVERS, driversHere, OPEN_MS, type OpenedVisibility, T0 } from './drivers.ts';
import { attributes, DOMAIN, listIds, nextVersion, recordsAt } from './records.ts';

const record = recordsAt(T0);

const SAMPLES: readonly VisibilityRecord[] = [
  record('a', { startTimeMs: T0 + 1, searchAttributes: attributes({ CustomKeywordField: 'red', CustomIntField: 5 }) }),
  record('b', {
    startTimeMs: T0 + 2,
    closeTimeMs: T0 + 50,
    closeStatus: 1,
    workflowType: 'Refund',
    searchAttributes: attributes({
      CustomKeywordField: ['red', 'blue'],
      CustomDoubleField: 2.5,
      CustomBoolField: true,
    }),
  }),
  record('c', {
    startTimeMs: T0 + 3,
    closeTimeMs: T0 + 40,
    closeStatus: 6,
    historyLength: 30,
    isCron: true,
    cronSchedule: '* * * * *',
  }),
  record("d'x", {
    startTimeMs: T0 + 4,
    executionTimeMs: T0 + 60_000,
    parentWorkflowId: 'a',
    searchAttributes: attributes({
      CustomStringField: 'The quick brown Fox',
      CustomDatetimeField: '2026-01-31T12:00:00.5Z',
      CustomIntField: -7,
      CustomKeywordField: 'Red',
      NoSuchKey: 1,
    }),
  }),
  record('e', {
    startTimeMs: T0 + 5,
    closeTimeMs: T0 + 45,
    closeStatus: 2,
    taskList: 'other',
    numClusters: 2,
    clusterAttribute: { scope: 'region', name: 'eu' },
    searchAttributes: attributes({ CustomIntField: [1, 10] }),
  }),
  record('f', { domainId: 'another-domain', startTimeMs: T0 + 6 }),
];

// Query → ids in order (default: start time, newest first).
const QUERIES: readonly (readonly [string, string])[] = [
  ['', "e d'x c b a"],
  ["WorkflowID = 'a'", 'a'],
  ['WorkflowID = "d\'x"', "d'x"],
  ["WorkflowID = 'd''x'", "d'x"],
  ["WorkflowID = 'd\\'x'", "d'x"],
  ["WorkflowID = '' OR 1 = 1", 'fault'],
  ["WorkflowType = 'order'", ''],
  ["WorkflowType = 'Order' AND CloseTime = missing", "d'x a"],
  ["workflowtype = 'Order'", 'fault'],
  ["WorkflowType != 'Order'", 'b'],
  ["WorkflowType <> 'Order'", 'b'],
  ["NOT WorkflowType = 'Order' OR WorkflowID = 'a'", 'b a'],
  ["NOT (WorkflowType = 'Order' OR WorkflowID = 'a')", 'b'],
  ["WorkflowID = 'a' OR WorkflowID = 'b' AND WorkflowType = 'Order'", 'a'],
  ["(WorkflowID = 'a' OR WorkflowID = 'b') AND WorkflowType = 'Refund'", 'b'],
  ["WorkflowID IN ('a', 'c', 'zz')", 'c a'],
  ["WorkflowID not in ('a', 'c')", "e d'x b"],
  ["WorkflowType LIKE 'Re%'", 'b'],
  ["WorkflowType LIKE '_efund'", 'b'],
  ["WorkflowType LIKE 're%'", ''],
  ["WorkflowID NOT LIKE '%''%'", 'e c b a'],
  ['CloseTime != missing', 'e c b'],
  ['CloseTime IS NULL', "d'x a"],
  ['CloseTime IS NOT NULL', 'e c b'],
  [`CloseTime > ${T0 + 40}000000`, 'e b'],
  [`CloseTime <= ${T0 + 40}000000`, 'c'],
  [`NOT CloseTime <= ${T0 + 40}000000`, "e d'x b a"],
  [`StartTime >= ${T0 + 3}000000`, "e d'x c"],
  [`StartTime > ${T0 + 3}000001`, "e d'x"],
  [`StartTime BETWEEN ${T0 + 2}000000 AND ${T0 + 3}000000`, 'c b'],
  [`StartTime NOT BETWEEN ${T0 + 2}000000 AND ${T0 + 3}000000`, "e d'x a"],
  ["StartTime < '2023-11-14T22:13:20.003Z'", 'b a'],
  ["StartTime < '2023-11-15T00:13:20.003+02:00'", 'b a'],
  ['CloseStatus = 0', 'b'],
  ['CloseStatus = 5', 'c'],
  ["CloseStatus = 'TIMED_OUT'", 'c'],
  ['CloseStatus = "timedOut"', 'c'],
  ['CloseStatus IN (0, 1)', 'e b'],
  ['CloseStatus != 0', "e d'x c a"],
  ['CloseStatus < 2', 'e b'],
  ['NOT CloseStatus < 2', "d'x c a"],
  ['CloseStatus = missing', "d'x a"],
  ["ExecutionStatus = 'STARTED'", 'a'],
  ["ExecutionStatus = 'pending'", "d'x"],
  ["ExecutionStatus IN ('FAILED', 'TimedOut')", 'e c'],
  ['ExecutionStatus = 1', 'a'],
  ['StartTime > now() - 1h', "e d'x c b a"],
  ['StartTime > now() + 1h', ''],
  ["StartTime < '1d'", ''],
  ['ScheduledExecutionTime > now()', "d'x"],
  ['NumClusters = 2', 'e'],
  ['NumClusters = missing', "d'x c b a"],
  ["ClusterAttributeScope = 'region' AND ClusterAttributeName = 'eu'", 'e'],
  ["ExecutionStatus = 'STARTED' ORDER BY ExecutionStatus", 'a'],
  ['IsCron = true', 'c'],
  ['IsCron != true', "e d'x b a"],
  ["CronSchedule = '* * * * *'", 'c'],
  ['CronSchedule = missing', "e d'x b a"],
  ["ParentWorkflowID = 'a'", "d'x"],
  ['HistoryLength > 3', 'c'],
  ["TaskList = 'other'", 'e'],
  ["CustomKeywordField = 'red'", 'b a'],
  ["Attr.CustomKeywordField = 'blue'", 'b'],
  ["`Attr.CustomKeywordField` = 'blue'", 'b'],
  ["CustomKeywordField != 'red'", "e d'x c"],
  ["CustomKeywordField IN ('blue', 'Red')", "d'x b"],
  ["CustomKeywordField IN ('blue', 'red', 'red') ORDER BY CloseTime", 'b a'],
  ["CustomKeywordField = 'blue' OR CustomKeywordField = 'red'", 'b a'],
  ["(CustomKeywordField = 'blue' OR CustomKeywordField IN ('Red', 'x')) AND StartTime > 0", "d'x b"],
  ["CustomKeywordField = 'blue' OR CustomIntField = 5", 'b a'],
  ["NOT (CustomKeywordField = 'blue' OR CustomKeywordField = 'red')", "e d'x c"],
  ['CustomIntField IN (1, 10)', 'e'],
  ['CustomKeywordField = missing', 'e c'],
  ['CustomKeywordField != missing', "d'x b a"],
  ['CustomIntField = 5', 'a'],
  ['CustomIntField < 0', "d'x"],
  ['CustomIntField BETWEEN 4 AND 6', 'a'],
  ['CustomIntField > 5', 'e'],
  ['CustomDoubleField > 2.4 and CustomDoubleField < 2.6', 'b'],
  ['CustomBoolField = true', 'b'],
  ["CustomBoolField = 'true'", 'b'],
  ['CustomBoolField = false', ''],
  ["CustomDatetimeField = '2026-01-31T12:00:00.5Z'", "d'x"],
  ["CustomDatetimeField > '2026-01-31T12:00:00.4Z'", "d'x"],
  ["CustomStringField = 'brown fox'", "d'x"],
  ["CustomStringField = 'brown the'", ''],
  ["CustomStringField LIKE '%quick%'", "d'x"],
  ['ORDER BY StartTime', "a b c d'x e"],
  ['ORDER BY StartTime ASC', "a b c d'x e"],
  ['order by CloseTime desc', "b e c d'x a"],
  ['ORDER BY CloseTime', "c e b a d'x"],
  ["WorkflowType = 'Order' ORDER BY WorkflowID", "a c d'x e"],
  ['ORDER BY CustomIntField', "d'x e a b c"],
  ['ORDER BY CloseStatus DESC', "c e b d'x a"],
];

describe.each(DRIVERS)('visibility in $name', ({ open, missing }) => {
  if (missing !== undefined) {
    it.skip(`cannot run here: ${missing}`, () => {});
    return;
  }
  let opened: OpenedVisibility;
  beforeEach(async () => {
    opened = await open();
  }, OPEN_MS);
  afterEach(() => opened.close());

  const list = (listing: Listing | string, size?: number, domainId?: string): Promise<string[]> =>
    listIds(opened.store, listing, size, domainId);

  it.each(QUERIES)('answers %s', async (query, expected) => {
    await opened.store.upsert(SAMPLES);
    if (expected === 'fault') {
      await expect(list(query)).rejects.toThrow(ServiceError);
      return;
    }
    const ids = expected === '' ? [] : expected.split(' ');
    expect(await list(query)).toEqual(ids);
    expect(await list(query, 1)).toEqual(ids);
    expect(await list(query, 2)).toEqual(ids);
    expect(await opened.store.count(DOMAIN, query.replace(/order by.*/i, ''))).toBe(ids.length);
  });

  it('returns the record as it was written', async () => {
    const written = record('w', {
      closeTimeMs: T0 + 9,
      closeStatus: 4,
      memo: { fields: { note: { data: Buffer.from('"hello"') } } },
      searchAttributes: attributes({ CustomKeywordField: ['x'], Whatever: 3 }),
      parentWorkflowId: 'p',
      parentRunId: 'pr',
      isCron: true,
      cronSchedule: '@every 5s',
    });
    await opened.store.upsert([written]);
    const { records } = await opened.store.list(DOMAIN, { kind: 'query', query: '' }, { size: 10 });
    // Cloned, because some drivers give a Buffer where others give its base class.
    expect(structuredClone(records)).toEqual(structuredClone([written]));
  });

  it('lists open runs by start time and closed ones by close time, with the fixed filters', async () => {
    await opened.store.upsert(SAMPLES);
    const filter = { kind: 'filter', earliestMs: T0, latestMs: T0 + 100 } as const;
    expect(await list({ ...filter, open: true })).toEqual(["d'x", 'a']);
    expect(await list({ ...filter, open: true }, 1)).toEqual(["d'x", 'a']);
    expect(await list({ ...filter, open: false })).toEqual(['b', 'e', 'c']);
    expect(await list({ ...filter, open: false }, 1)).toEqual(['b', 'e', 'c']);
    expect(await list({ ...filter, open: false, latestMs: T0 + 45 })).toEqual(['e', 'c']);
    expect(await list({ ...filter, open: true, earliestMs: T0 + 2 })).toEqual(["d'x"]);
    expect(await list({ ...filter, open: false, closeStatus: 6 })).toEqual(['c']);
    expect(await list({ ...filter, open: false, workflowType: 'Refund' })).toEqual(['b']);
    expect(await list({ ...filter, open: true, workflowId: 'a' })).toEqual(['a']);
    expect(await list({ ...filter, open: true, workflowId: 'a', runId: 'other' })).toEqual([]);
  });

  it('never lets an older write overwrite a newer one', async () => {
    await opened.store.upsert([record('w', { version: 20, closeStatus: 1, closeTimeMs: T0 + 1 })]);
    await opened.store.upsert([record('w', { version: 10 })]);
    expect(await list('CloseStatus = 0')).toEqual(['w']);
    await opened.store.upsert([record('w', { version: 20, closeStatus: 2, closeTimeMs: T0 + 1 })]);
    expect(await list('CloseStatus = 1')).toEqual(['w']);
    expect(await opened.store.count(DOMAIN, '')).toBe(1);
  });

  it('finds a run by the attributes it has now', async () => {
    const tagged = (values: Record<string, unknown> | undefined): VisibilityRecord =>
      record('w', { searchAttributes: values === undefined ? undefined : attributes(values) });
    const found = async (): Promise<string[]> => {
      const queries = ["CustomKeywordField = 'x'", "CustomKeywordField = 'y'", 'CustomIntField = 5 AND IsCron = false'];
      const hits = await Promise.all(queries.map((query) => list(query)));
      return queries.filter((_, index) => hits[index]?.length === 1).map((query) => query.split(' = ')[1] as string);
    };
    await opened.store.upsert([tagged({ CustomKeywordField: ['x', 'y', 'x'], CustomIntField: 5 })]);
    expect(await found()).toEqual(["'x'", "'y'", '5 AND IsCron']);
    await opened.store.upsert([tagged({ CustomKeywordField: 'y', CustomDoubleField: 5 })]);
    expect(await found()).toEqual(["'y'"]);
    expect(await list('CustomDoubleField = 5.0')).toEqual(['w']);
    await opened.store.upsert([tagged(undefined)]);
    expect(await found()).toEqual([]);
    const long = 'z'.repeat(300);
    await opened.store.upsert([tagged({ CustomKeywordField: [long, 'x'] })]);
    expect(await list(`CustomKeywordField = '${long}'`)).toEqual(['w']);
    expect(await found()).toEqual(["'x'"]);
    await opened.store.remove(DOMAIN, 'w', 'w-run');
    expect(await found()).toEqual([]);
  });

  it('lets a removal win over a late write', async () => {
    await opened.store.upsert([record('w'), record('v')]);
    await opened.store.remove(DOMAIN, 'w', 'w-run');
    await opened.store.upsert([record('w')]);
    expect(await list('')).toEqual(['v']);
    await opened.store.remove(DOMAIN, 'early', 'early-run');
    await opened.store.upsert([record('early')]);
    expect(await list('')).toEqual(['v']);
  });

  it('shows no run twice and misses none that was there when rows come and change between pages', async () => {
    const old = Array.from({ length: 30 }, (_, index) => record(`old-${index}`, { startTimeMs: T0 + (index % 3) }));
    await opened.store.upsert(old);
    const seen: string[] = [];
    let token: Uint8Array | undefined;
    let round = 0;
    do {
      const page = await opened.store.list(DOMAIN, { kind: 'query', query: '' }, { size: 4, token });
      seen.push(...page.records.map((found) => found.workflowId));
      token = page.nextToken;
      round++;
      const closed = old.map((row) => ({ ...row, closeTimeMs: T0 + 99, closeStatus: 1, version: nextVersion() }));
      await opened.store.upsert([record(`new-${round}`, { startTimeMs: T0 + 1000 + round }), ...closed]);
    } while (token !== undefined);
    expect(seen.toSorted()).toEqual(old.map((row) => row.workflowId).toSorted());
  });

  it('keeps domains apart', async () => {
    await opened.store.upsert(SAMPLES);
    expect(await list('', 10, 'another-domain')).toEqual(['f']);
    expect(await list(`DomainID = 'another-domain'`)).toEqual([]);
    expect(await opened.store.count('another-domain', "WorkflowType = 'Order'")).toBe(1);
  });

  it('goes on with the next page when the window of the filter has moved meanwhile', async () => {
    await opened.store.upsert(SAMPLES);
    const filter = { kind: 'filter', open: false, earliestMs: T0, latestMs: T0 + 100 } as const;
    const [first, second] = [filter, { ...filter, earliestMs: T0 + 1, latestMs: T0 + 101 }];
    const { records: before, nextToken: token } = await opened.store.list(DOMAIN, first, { size: 1 });
    const { records: after } = await opened.store.list(DOMAIN, second, { size: 2, token });
    expect([...before, ...after].map(({ workflowId }) => workflowId)).toEqual(['b', 'e', 'c']);
    const other = opened.store.list(DOMAIN, { ...second, workflowType: 'Refund' }, { size: 2, token });
    await expect(other).rejects.toThrow('Invalid NextPageToken.');
  });

  it('refuses a page token that is not of this listing', async () => {
    await opened.store.upsert(SAMPLES);
    const { nextToken: token } = await opened.store.list(DOMAIN, { kind: 'query', query: '' }, { size: 1 });
    const page = { size: 1, token };
    const bad = { name: 'BadRequest' };
    await expect(opened.store.list('another-domain', { kind: 'query', query: '' }, page)).rejects.toMatchObject(bad);
    await expect(opened.store.list(DOMAIN, { kind: 'query', query: 'IsCron = true' }, page)).rejects.toMatchObject(bad);
    for (const garbage of ['', 'x', '[]', '[1,2]', '{"a":1}', '[1,{},3]', '[0,null,0]']) {
      const token = Buffer.from(garbage);
      const outcome = opened.store.list(DOMAIN, { kind: 'query', query: '' }, { size: 1, token });
      await expect(outcome, garbage).rejects.toMatchObject(bad);
    }
  });

  it('takes hostile values as values', async () => {
    await opened.store.upsert([record(`'; DROP TABLE visibility; --`), record('b')]);
    expect(await list(`WorkflowID = "'; DROP TABLE visibility; --"`)).toEqual([`'; DROP TABLE visibility; --`]);
    expect(await list(`WorkflowID LIKE '*' OR WorkflowID LIKE '[a-z]'`)).toEqual([]);
    expect(await list('')).toHaveLength(2);
  });

  it('answers a query at the limits of its size', async () => {
    await opened.store.upsert(SAMPLES);
    const many = Array.from({ length: 500 }, (_, index) => `WorkflowID = '${index}'`).join(' OR ');
    expect(await list(`${many}`)).toEqual([]);
    expect(await list(`NOT (${many.replace(/ OR /g, ' AND ')})`)).toHaveLength(5);
    const values = Array.from({ length: 5000 }, (_, index) => index).join(',');
    expect(await list(`CustomIntField IN (${values})`)).toEqual(['e', 'a']);
    expect(await list(`${'('.repeat(50)}WorkflowID = 'a'${')'.repeat(50)}`)).toEqual(['a']);
  });
});

describe('the drivers', () => {
  const ATTRIBUTE_VALUES: readonly (readonly [string, readonly string[]])[] = [
    ['WorkflowID', ["'a'", "'c'", "'zz'"]],
    ['WorkflowType', ["'Order'", "'Refund'"]],
    ['CloseStatus', ['0', '2', "'TIMED_OUT'"]],
    ['CloseTime', [`${T0 + 40}000000`, `${T0 + 45}000000`, `${T0 + 46}000001`]],
    ['StartTime', [`${T0 + 2}000000`, `${T0 + 4}000000`]],
    ['ExecutionStatus', ["'PENDING'", "'STARTED'", "'FAILED'"]],
    ['CronSchedule', ["'* * * * *'", "'x'"]],
    ['ParentWorkflowID', ["'a'"]],
    ['CustomKeywordField', ["'red'", "'blue'", "'Red'"]],
    ['CustomIntField', ['-7', '1', '5', '10']],
    ['CustomBoolField', ['true', 'false']],
    ['CustomStringField', ["'quick brown'", "'fox'"]],
  ];
  const leaf = fc
    .tuple(fc.constantFrom(...ATTRIBUTE_VALUES), fc.nat(), fc.nat(), fc.nat())
    .map(([[name, values], first, second, shape]) => {
      const [a, b] = [values[first % values.length], values[second % values.length]];
      const operators = ['=', '!=', '<', '<=', '>', '>='];
      const shapes = [
        `${name} ${operators[first % operators.length]} ${a}`,
        `${name} IN (${a}, ${b})`,
        `${name} BETWEEN ${a} AND ${b}`,
        `${name} = missing`,
      ];
      return shapes[shape % shapes.length] as string;
    });
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} AND ${b})`),
      fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `(${a} OR ${b})`),
      tie('condition').map((a) => `NOT ${a}`),
    ),
  }));
  const orders = [
    '',
    'CloseTime',
    'CloseTime DESC',
    'CustomIntField',
    'CustomKeywordField DESC',
    'ExecutionStatus',
    'IsCron',
  ];

  it('agree on every query, order and page', async () => {
    const opened = await Promise.all(driversHere().map(({ open }) => open()));
    for (const { store } of opened) await store.upsert(SAMPLES);
    await fc.assert(
      fc.asyncProperty(condition, fc.constantFrom(...orders), async (where, order) => {
        const query = order === '' ? where : `${where} ORDER BY ${order}`;
        const [first, ...others] = await Promise.all(opened.map(({ store }) => listIds(store, query, 2)));
        for (const other of others) expect(other).toEqual(first);
      }),
      { numRuns: 400 },
    );
    for (const { close } of opened) await close();
  });
});
