// The query language: what is refused, and where the caret points.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '#base';
import {
  closeStatusOfName,
  createSearchAttributes,
  parseQuery,
  SEARCH_ATTRIBUTES,
  selectionOfQuery,
} from '#visibility';

// Query → first line of the message; the character under the caret is marked with » in the query.
const FAULTS: readonly (readonly [string, string])[] = [
  ['»Foo = 1', 'invalid search attribute "Foo"'],
  ["WorkflowID = 'a' and »Attr.Foo = 1", 'invalid search attribute "Attr.Foo"'],
  ["»Attr.WorkflowID = 'a'", 'invalid search attribute "Attr.WorkflowID"'],
  ["»constructor = 'a'", 'invalid search attribute "constructor"'],
  [
    'WorkflowID = »a',
    'Invalid query: expected a value (a string in quotes, a number, true, false or now()), but found "a"',
  ],
  ["WorkflowID = »'a", 'Invalid query: unterminated string'],
  [
    'WorkflowID »',
    'Invalid query: expected an operator (=, !=, <, <=, >, >=, IN, BETWEEN or LIKE), but the query ends',
  ],
  ["WorkflowID = 'a' »'b'", "Invalid query: expected AND, OR, ORDER BY or the end, but found 'b'"],
  ["(WorkflowID = 'a'»", 'Invalid query: expected AND, OR or ")", but the query ends'],
  ["WorkflowID = 'a' AND »", 'Invalid query: expected the name of a search attribute, but the query ends'],
  ["»'a' = WorkflowID", "Invalid query: expected the name of a search attribute, but found 'a'"],
  ["WorkflowID IN »'a'", 'Invalid query: expected "(", but found \'a\''],
  ["WorkflowID IN ('a'»", 'Invalid query: expected "," or ")", but the query ends'],
  ['StartTime BETWEEN 1 »OR 2', 'Invalid query: expected AND, but found "or"'],
  [
    'CloseTime > »missing',
    'Invalid query: expected a value: only = and != can be used with missing, but found "missing"',
  ],
  ['CloseTime IS »5', 'Invalid query: expected NULL or missing, but found "5"'],
  ["WorkflowID = 'a' »; DROP TABLE x", 'Invalid query: unexpected character ";"'],
  [
    "StartTime > »'yesterday'",
    'invalid value for StartTime: expected a time: RFC 3339 such as "2026-01-31T12:00:00Z", unix nanoseconds, or as far from now as "now() - 1h"',
  ],
  [
    "StartTime > »'2026-13-45T00:00:00Z'",
    'invalid value for StartTime: expected a time: RFC 3339 such as "2026-01-31T12:00:00Z", unix nanoseconds, or as far from now as "now() - 1h"',
  ],
  [
    'CloseStatus = »6',
    'invalid value for CloseStatus: expected 0 to 5 or one of COMPLETED, FAILED, CANCELED, TERMINATED, CONTINUED_AS_NEW, TIMED_OUT',
  ],
  [
    "CloseStatus = »'done'",
    'invalid value for CloseStatus: expected 0 to 5 or one of COMPLETED, FAILED, CANCELED, TERMINATED, CONTINUED_AS_NEW, TIMED_OUT',
  ],
  ['CustomIntField = »1.5', 'invalid value for CustomIntField: expected a whole number'],
  ["CustomIntField IN (1, »'x')", 'invalid value for CustomIntField: expected a whole number'],
  ["CustomBoolField = »'maybe'", 'invalid value for CustomBoolField: expected true or false'],
  [
    "ExecutionStatus = »'dead'",
    'invalid value for ExecutionStatus: expected 0 to 7, PENDING, STARTED or the name of a close status',
  ],
  ["»CustomIntField LIKE 'a'", 'LIKE needs a string attribute, not CustomIntField'],
  ["WorkflowID LIKE »'%a%b%c%d%e%f%g'", 'a pattern has at most 6 wildcards'],
  ['ORDER BY »CustomStringField', 'cannot order by CustomStringField: it is of type String'],
  ['ORDER BY »Foo', 'invalid search attribute "Foo"'],
  ['ORDER BY StartTime», WorkflowID', 'Invalid query: only one attribute to order by is supported'],
  ['ORDER »StartTime', 'Invalid query: expected BY, but found "StartTime"'],
  [
    'WorkflowID »== 1',
    'Invalid query: expected a value (a string in quotes, a number, true, false or now()), but found "="',
  ],
];

const NOW_MS = Date.UTC(2026, 0, 31, 12);

function faultOf(query: string): Error {
  try {
    selectionOfQuery(query, SEARCH_ATTRIBUTES, NOW_MS);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`accepted: ${query}`);
}

describe('a bad query', () => {
  it.each(FAULTS)('is refused with a caret under the fault: %s', (marked, message) => {
    const query = marked.replace('»', '');
    const error = faultOf(query);
    expect(error).toMatchObject({ name: 'BadRequest' });
    const [first, shown, caret] = error.message.split('\n');
    expect(first).toBe(message);
    expect(shown).toBe(`  ${query}`);
    // "==" is read as two operators: the fault is at the second.
    const position = marked.includes('»==') ? query.indexOf('==') + 1 : marked.indexOf('»');
    expect(caret).toBe(`  ${' '.repeat(position)}^`);
  });

  it('is shown around the fault when it is long', () => {
    const query = `${"WorkflowID = 'a' OR ".repeat(20)}Foo = 1${" OR WorkflowID = 'b'".repeat(20)}`;
    const [first, shown = '', caret = ''] = faultOf(query).message.split('\n');
    expect(first).toBe('invalid search attribute "Foo"');
    expect(shown.length).toBeLessThan(140);
    expect(shown.slice(caret.indexOf('^')).startsWith('Foo')).toBe(true);
  });

  it('cannot be too deep, too long or too many', () => {
    expect(faultOf(`${'('.repeat(10_000)}WorkflowID = 'a'`).message).toContain('nested deeper than 50');
    expect(faultOf(`${'NOT '.repeat(10_000)}WorkflowID = 'a'`).message).toContain('nested deeper than 50');
    expect(faultOf(Array(600).fill("WorkflowID = 'a'").join(' AND ')).message).toContain('more than 500 conditions');
    expect(faultOf(`CustomIntField IN (${Array(6000).fill(1).join(',')})`).message).toContain('more than 5000 values');
    expect(faultOf(' '.repeat(200_000)).message).toContain('longer than 100000 characters');
  });

  it('never fails in another way, whatever it is', () => {
    const words = [
      'WorkflowID',
      'CloseTime',
      'CustomIntField',
      'AND',
      'or',
      'not',
      'in',
      'between',
      'like',
      'missing',
      'order by',
      '=',
      '!=',
      '<',
      '(',
      ')',
      ',',
      "'a'",
      '"b"',
      "'",
      '\\',
      '5',
      '-1e9',
      'true',
      '`',
      '.',
      'é',
      '2026-01-01',
      'is null',
      'desc',
    ];
    const query = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 12 });
    fc.assert(
      fc.property(query, (parts) => {
        try {
          selectionOfQuery(parts.join(' '), SEARCH_ATTRIBUTES, NOW_MS);
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
          expect(error).toMatchObject({ kind: 'BadRequest' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a time relative to now', () => {
  const timeOf = (text: string): unknown => {
    const { where } = selectionOfQuery(`StartTime > ${text}`, SEARCH_ATTRIBUTES, NOW_MS);
    return where?.kind === 'compare' ? where.value : undefined;
  };
  const HOUR = 3_600_000;

  it.each([
    ['now()', 0],
    ['NOW( )', 0],
    ['now() - 1h', HOUR],
    ['now()-90m', 1.5 * HOUR],
    ['now() - 1h30m', 1.5 * HOUR],
    ['now() + 2d', -48 * HOUR],
    ["'now() - 1.5h'", 1.5 * HOUR],
    ["'now()'", 0],
    ["'3d'", 72 * HOUR],
    ["'15minute'", HOUR / 4],
    ["'2hours'", 2 * HOUR],
    ["'1w'", 168 * HOUR],
    ["'1M'", 720 * HOUR],
    ["'1y'", 365 * 24 * HOUR],
    ["'250ms'", 250],
  ])('%s is what it says', (text, agoMs) => {
    expect(timeOf(text)).toBe(NOW_MS - agoMs);
  });

  it('can stand in IN and BETWEEN, and before what follows', () => {
    const query = "StartTime BETWEEN now() - 2h AND now() AND WorkflowID = 'a' ORDER BY StartTime";
    const { where } = selectionOfQuery(query, SEARCH_ATTRIBUTES, NOW_MS);
    expect(where).toMatchObject({ operands: [{ low: NOW_MS - 2 * HOUR, high: NOW_MS }, {}] });
  });

  it.each([
    'StartTime > now() - 1x',
    'StartTime > now() -',
    'StartTime > now',
    "StartTime > 'now() - 1x'",
    'HistoryLength > now()',
  ])('is refused where it makes no sense: %s', (query) => {
    expect(() => selectionOfQuery(query, SEARCH_ATTRIBUTES, NOW_MS)).toThrow(ServiceError);
  });
});

describe('the parser', () => {
  it('binds NOT tighter than AND, and AND tighter than OR', () => {
    const { where } = parseQuery('NOT a = 1 AND b = 2 OR c = 3 AND d = 4');
    expect(where).toMatchObject({
      kind: 'or',
      operands: [
        { kind: 'and', operands: [{ kind: 'not' }, { kind: 'compare', attribute: { name: 'b' } }] },
        { kind: 'and', operands: [{ attribute: { name: 'c' } }, { attribute: { name: 'd' } }] },
      ],
    });
  });

  it('keeps chains flat and positions exact', () => {
    const { where } = parseQuery('a = 1 or b = 2 or c = 3');
    expect(where).toMatchObject({
      kind: 'or',
      operands: [{}, {}, { attribute: { name: 'c', position: 18 }, value: { position: 22 } }],
    });
  });

  it('reads nothing as everything', () => {
    expect(parseQuery('  ')).toEqual({ where: undefined, orderBy: undefined });
    expect(parseQuery('order by StartTime desc').orderBy).toMatchObject({
      attribute: { name: 'StartTime' },
      descending: true,
    });
  });
});

describe('search attributes', () => {
  it('have the wire types of Cadence', () => {
    const types = Object.fromEntries([...SEARCH_ATTRIBUTES.values()].map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({
      StartTime: 3,
      CloseStatus: 3,
      ExecutionStatus: 3,
      ScheduledExecutionTime: 3,
      NumClusters: 3,
      ClusterAttributeScope: 2,
      WorkflowID: 2,
      IsCron: 5,
      CustomStringField: 1,
      CustomKeywordField: 2,
      CustomIntField: 3,
      CustomDoubleField: 4,
      CustomBoolField: 5,
      CustomDatetimeField: 6,
      BinaryChecksums: 2,
      CadenceChangeVersion: 2,
    });
  });

  it('can be given by configuration, but never replace a system one', () => {
    const registry = createSearchAttributes({ Tenant: 2, WorkflowID: 3 });
    expect(registry.get('Tenant')).toMatchObject({ isSystem: false, values: 'keyword' });
    expect(registry.get('WorkflowID')).toMatchObject({ isSystem: true, values: 'keyword' });
    expect(selectionOfQuery("Tenant = 'x' ORDER BY Tenant", registry, NOW_MS).orderBy.attribute.name).toBe('Tenant');
  });

  it('know close statuses by name in any usual spelling', () => {
    expect(['COMPLETED', 'continuedAsNew', 'TIMED_OUT', 'timed out', 'nope'].map(closeStatusOfName)).toEqual([
      0,
      4,
      5,
      5,
      undefined,
    ]);
  });
});
