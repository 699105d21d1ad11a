import { describe, expect, test } from 'vitest';
import { parseFile } from '#dynamicconfig';

const parse = (text: string) => parseFile('limits.yaml', text);

describe('a dynamic config file', () => {
  test('in Cadence’s form gives the values of its keys, constraints included', () => {
    const values = parse(`
frontend.rps:
- value: 500
  constraints: {}
frontend.domainrps:
  - value: 100
  - value: 5
    constraints:
      domainName: noisy
matching.longPollExpirationInterval:
- value: 30s
  constraints: { domainName: shop, taskListName: orders, taskType: 1 }
history.cacheMaxSize:
- value: 512
`);
    expect(values.get('frontend.rps')).toEqual([{ value: 500, kind: 'int', constraints: {} }]);
    expect(values.get('frontend.domainrps')?.[1]).toEqual({
      value: 5,
      kind: 'int',
      constraints: { domainName: 'noisy' },
    });
    expect(values.get('matching.longPollExpirationInterval')?.[0]).toMatchObject({
      value: 30_000,
      constraints: { domainName: 'shop', taskListName: 'orders', taskType: 1 },
    });
    expect(values.get('history.cacheMaxSize')).toHaveLength(1);
  });

  test('that is empty has no values', () => {
    expect(parse('').size).toBe(0);
    expect(parse('# nothing yet\n').size).toBe(0);
  });

  test('with two values for everywhere has the last, as in Cadence', () => {
    const values = parse('frontend.rps:\n- value: 1\n- value: 2\n');
    expect(values.get('frontend.rps')).toEqual([{ value: 2, kind: 'int', constraints: {} }]);
  });

  test.each([
    [
      'frontend.rpss:\n- value: 1\n',
      'limits.yaml:1: invalid dynamic config key name: frontend.rpss, did you mean frontend.rps?',
    ],
    ['a.b:\n- value: 1\n', 'limits.yaml:1: invalid dynamic config key name: a.b'],
    ['\nfrontend.rps: 5\n', 'limits.yaml:2: frontend.rps must be a list of values, each as "- value: …"'],
    ['frontend.rps:\n- 5\n', 'limits.yaml:2: frontend.rps: each entry must have a "value" and may have "constraints"'],
    ['frontend.rps:\n- valeu: 5\n', 'limits.yaml:2: frontend.rps: an entry has "value" and "constraints", not "valeu"'],
    ['frontend.rps:\n- constraints: {}\n', 'limits.yaml:2: frontend.rps: an entry has no "value"'],
    ['frontend.rps:\n- value: many\n', 'limits.yaml:2: frontend.rps must be a whole number, and is "many"'],
    ['frontend.rps:\n- value: -1\n', 'limits.yaml:2: frontend.rps must be 0 or more, and is -1'],
    [
      'frontend.rps:\n- value: 1\n- value: 2\n  constraints: {domainName: shop}\n',
      'limits.yaml:3: frontend.rps cannot be constrained by domainName, only by clusterName',
    ],
    [
      'frontend.domainrps:\n- value: 2\n  constraints: {domian: shop}\n',
      'limits.yaml:2: frontend.domainrps domian is not a constraint; there are domainName',
    ],
    [
      'frontend.domainrps:\n- value: 2\n  constraints: [shop]\n',
      'limits.yaml:2: frontend.domainrps: constraints must be a map',
    ],
    ['- a\n', 'limits.yaml:1: the top level must map keys to their values'],
    ['a: [\n', 'limits.yaml:'],
    [
      'history.cacheMaxSize:\n- value: big\n',
      'limits.yaml:2: history.cacheMaxSize must be a whole number, and is "big"',
    ],
  ])('with a fault is refused with its line: %j', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});
