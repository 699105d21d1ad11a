// How typed words become one command line: Cadence's ways of writing flags, and ours.
import { describe, expect, it } from 'vitest';
import { queryOf } from '../../../src/cli/commands/visibility-query.ts';
import { jsonValues, keyedPayloads, searchAttributeValues } from '../../../src/cli/payload.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { normalized } from '../../../src/cli/spec/command-line.ts';
import { durationSeconds, instantMs } from '../../../src/cli/spec/flags.ts';

const read = (line: string): string =>
  normalized(createProgram(), ['node', 'antiphon', ...line.split(' ')])
    .slice(2)
    .join(' ');

describe('a command line', () => {
  it.each([
    ['wf start -tl a --wt b -et 60', 'wf start --task-list a --type b --execution-timeout 60'],
    ['workflow start --tl=a --workflow_type=b', 'workflow start --task-list a --type b'],
    ['--do shop workflow list --op', '--domain shop workflow list --open'],
    ['workflow list --open=false --do shop', '--domain shop workflow list'],
    ['workflow list --open=true', 'workflow list --open'],
    ['-t grpc workflow start -t order', '--transport grpc workflow start --type order'],
    ['workflow signal -w a -n -b', 'workflow signal --workflow-id a --name -b'],
    ['workflow show a --event_id -1', 'workflow show a --event-id -1'],
    ['workflow show -- -w', 'workflow show -- -w'],
    ['help workflow reset', 'workflow reset --help'],
    ['workflow list --nonsense', 'workflow list --nonsense'],
    ['domain describe workflow', 'domain describe workflow'],
  ])('reads %s', (typed, meant) => {
    expect(read(typed)).toBe(meant);
  });
});

describe('values', () => {
  it.each([
    ['60', 1, 60],
    ['1.5s', 1, 2],
    ['2h', 1, 7200],
    ['3', 86_400, 259_200],
    ['90m', 86_400, 5400],
  ])('reads the duration %s', (text, unit, seconds) => {
    expect(durationSeconds(text, unit)).toBe(seconds);
  });

  it.each([
    ['2026-01-31T12:00:00Z', Date.UTC(2026, 0, 31, 12)],
    ['1769860800000000000', Date.UTC(2026, 0, 31, 12)],
    ['3h', -3 * 3_600_000],
    ['15minute', -15 * 60_000],
    ['2M', -60 * 86_400_000],
  ])('reads the time %s', (text, ms) => {
    expect(instantMs(text, 0)).toBe(ms);
  });

  it.each(['soon', '3x', '2026', '-3h'])('refuses the time %s', (text) => {
    expect(() => instantMs(text, 0)).toThrow('expected a time');
  });

  it('reads JSON values one after another, and refuses what is none', () => {
    expect(jsonValues('"a b" 1 {"c": [2, "}"]} null')).toEqual(['"a b"', '1', '{"c":[2,"}"]}', 'null']);
    expect(() => jsonValues('a')).toThrow('not JSON: a');
    expect(() => keyedPayloads(['a', 'b'], ['1'], '--memo-key')).toThrow('2 keys and 1 values');
    expect(searchAttributeValues('a b | 5 | true | ["x", "y"]')).toEqual(['"a b"', '5', 'true', '["x","y"]']);
  });
});

describe('filters of runs', () => {
  const none = {
    query: undefined,
    open: false,
    closed: false,
    status: undefined,
    workflowId: undefined,
    workflowType: undefined,
    earliestTime: undefined,
    latestTime: undefined,
  };
  it.each([
    [{}, ''],
    [{ query: "WorkflowType = 'a'" }, "WorkflowType = 'a'"],
    [{ open: true, workflowId: "it's" }, "CloseTime = missing AND WorkflowID = 'it''s'"],
    [
      { query: 'A = 1 or B = 2 ORDER BY StartTime DESC', status: 'term' },
      "(A = 1 or B = 2) AND CloseStatus = 'TERMINATED' ORDER BY StartTime DESC",
    ],
    [{ query: 'order by StartTime', closed: true }, 'CloseTime != missing order by StartTime'],
    [{ query: "A = 'order by b'", open: true }, "(A = 'order by b') AND CloseTime = missing"],
    [{ earliestTime: 1000 }, 'StartTime >= 1000000000'],
  ])('%j', (flags, query) => {
    expect(queryOf({ ...none, ...flags })).toBe(query);
  });

  it('refuses what excludes itself', () => {
    expect(() => queryOf({ ...none, open: true, status: 'failed' })).toThrow('only closed runs have a status');
  });
});
