// Compiles a selection to the query language of OpenSearch and Elasticsearch, with the meaning that the other drivers give it: two-valued logic, a
// list matches when any element does, strings by their bytes, missing values last. Values are values of JSON: nothing that a client writes becomes
// part of the language but the wildcards of LIKE, whose own are escaped.
import { CLOSE_STATUS_NAMES, EXECUTION_STATUS_NAMES } from '../close-status.ts';
import type { AttributeValue, Condition, Selection } from '../condition.ts';
import { matchesValue } from '../memory/evaluate.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import { fieldOf, indexedValue, indexedWords } from './fields.ts';

export type Clause = Readonly<Record<string, unknown>>;
type Leaf = Exclude<Condition, { kind: 'and' | 'or' | 'not' }>;

const NOTHING: Clause = { match_none: {} };
const RANGE_WORDS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

const anyOf = (clauses: readonly Clause[]): Clause => {
  if (clauses.length === 0) return NOTHING;
  return clauses.length === 1 ? (clauses[0] as Clause) : { bool: { should: clauses, minimum_should_match: 1 } };
};
const noneOf = (clauses: readonly Clause[]): Clause => ({ bool: { must_not: clauses } });
const exists = (path: string): Clause => ({ exists: { field: path } });

/** LIKE in the language of `wildcard`. */
function wildcardOf(pattern: string): string {
  let wildcard = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] as string;
    if (character === '\\' && index + 1 < pattern.length) wildcard += escaped(pattern[++index] as string);
    else if (character === '%') wildcard += '*';
    else if (character === '_') wildcard += '?';
    else wildcard += escaped(character);
  }
  return wildcard;
}

const escaped = (character: string): string => (/[*?\\]/.test(character) ? `\\${character}` : character);

const phrase = (path: string, value: AttributeValue): Clause => ({
  match_phrase: { [path]: indexedWords(String(value)) },
});

class Compiler {
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  clause(condition: Condition): Clause {
    switch (condition.kind) {
      case 'and':
        return { bool: { filter: condition.operands.map((operand) => this.clause(operand)) } };
      case 'or':
        return this.#or(condition.operands);
      case 'not':
        return condition.operand.kind === 'not'
          ? this.clause(condition.operand.operand)
          : noneOf([this.clause(condition.operand)]);
      default:
        return condition.attribute.name === 'ExecutionStatus' ? this.#status(condition) : this.#leaf(condition);
    }
  }

  /** Equalities of one attribute are one list of values: as many as there may be, while clauses are counted. */
  #or(operands: readonly Condition[]): Clause {
    const values = new Map<SearchAttribute, AttributeValue[]>();
    const others: Condition[] = [];
    for (const operand of operands) {
      const isEquality = operand.kind === 'in' || (operand.kind === 'compare' && operand.operator === '=');
      if (!isEquality || operand.attribute.values === 'text' || operand.attribute.name === 'ExecutionStatus') {
        others.push(operand);
        continue;
      }
      const known = values.get(operand.attribute) ?? [];
      known.push(...(operand.kind === 'in' ? operand.values : [operand.value]));
      values.set(operand.attribute, known);
    }
    const lists = [...values].map(([attribute, list]) => this.#leaf({ kind: 'in', attribute, values: list }));
    return anyOf([...lists, ...others.map((operand) => this.clause(operand))]);
  }

  #leaf(condition: Leaf): Clause {
    const { attribute } = condition;
    const field = fieldOf(attribute);
    const isText = attribute.values === 'text';
    switch (condition.kind) {
      case 'missing':
        return noneOf([exists(field.presencePath)]);
      case 'compare': {
        const { operator, value } = condition;
        if (operator !== '=') return { range: { [field.path]: { [RANGE_WORDS[operator]]: indexedValue(value) } } };
        return isText ? phrase(field.wordsPath, value) : { term: { [field.path]: indexedValue(value) } };
      }
      case 'in':
        if (isText) return anyOf(condition.values.map((value) => phrase(field.wordsPath, value)));
        return { terms: { [field.path]: [...new Set(condition.values.map(indexedValue))] } };
      case 'between':
        return { range: { [field.path]: { gte: indexedValue(condition.low), lte: indexedValue(condition.high) } } };
      case 'like':
        return { wildcard: { [field.path]: { value: wildcardOf(condition.pattern) } } };
    }
  }

  /** Not in the index, for it changes with the time: said by what makes it. */
  #status(condition: Leaf): Clause {
    if (condition.kind === 'missing') return NOTHING;
    const names = EXECUTION_STATUS_NAMES.filter((name) => matchesValue(condition, name));
    const closed = names.flatMap((name) => {
      const status = (CLOSE_STATUS_NAMES as readonly string[]).indexOf(name);
      return status === -1 ? [] : [status];
    });
    const open = (name: string, word: 'gt' | 'lte'): Clause[] =>
      (names as readonly string[]).includes(name)
        ? [
            {
              bool: {
                filter: [{ range: { ExecutionTime: { [word]: this.#nowMs } } }],
                must_not: [exists('CloseTime')],
              },
            },
          ]
        : [];
    const ofClosed: Clause[] =
      closed.length === 0 ? [] : [{ bool: { filter: [exists('CloseTime'), { terms: { CloseStatus: closed } }] } }];
    return anyOf([...ofClosed, ...open('PENDING', 'gt'), ...open('STARTED', 'lte')]);
  }
}

/** The runs of a domain that a condition is true of. */
export function compileQuery(domainId: string, where: Condition | undefined, nowMs: number): Clause {
  const filter: Clause[] = [{ term: { DomainID: domainId } }];
  if (where !== undefined) filter.push(new Compiler(nowMs).clause(where));
  return { bool: { filter } };
}

const STATUS_SCRIPT = `if (doc['CloseTime'].size() != 0 && doc['CloseStatus'].size() != 0) {
  return params.names.get((int) doc['CloseStatus'].value);
}
return doc['ExecutionTime'].value > params.nowMs ? 'PENDING' : 'STARTED';`;

/** Among equals the newest run first: by start, then by ids, which no other run has and which never change. */
export function compileSort({ attribute, descending }: Selection['orderBy'], nowMs: number): readonly Clause[] {
  const order = descending ? 'desc' : 'asc';
  const ties = ['StartTime', 'RunID', 'WorkflowID'].map((path): Clause => ({ [path]: { order } }));
  // The order that the index is kept in, which lets a search end at the page's end; the domain is the same for all.
  if (attribute.name === 'StartTime') return descending ? [{ DomainID: { order: 'asc' } }, ...ties] : ties;
  if (attribute.name === 'ExecutionStatus') {
    const script = { lang: 'painless', source: STATUS_SCRIPT, params: { names: CLOSE_STATUS_NAMES, nowMs } };
    return [{ _script: { type: 'string', order, script } }, ...ties];
  }
  const { sortPath, isKeyword } = fieldOf(attribute);
  // Nobody may have had a value yet.
  const unmapped = { unmapped_type: isKeyword ? 'keyword' : 'double' };
  return [{ [sortPath]: { order, missing: '_last', ...unmapped } }, ...ties];
}
