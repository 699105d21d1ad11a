// A Pratt parser of the query language (semantics §7.4): a SQL WHERE clause and, if wanted, ORDER BY one attribute.
//   query     = [ condition ] [ ORDER BY name [ ASC | DESC ] ]
//   condition = condition (AND|OR) condition | NOT condition | ( condition )
//             | name (=|!=|<|<=|>|>=) value | name [NOT] IN (value, …) | name [NOT] BETWEEN value AND value
//             | name [NOT] LIKE value | name (=|!=) missing | name IS [NOT] NULL
//   value     = 'string' | "string" | number | true | false | now() [(+|-) duration]
// AND binds tighter than OR, NOT tighter than both. Sizes are bounded, so that no query can exhaust a stack or a store.
import type { AttributeName, Comparison, Expression, Literal, Query } from './ast.ts';
import { queryFault } from './fault.ts';
import { type Keyword, type Token, tokenize } from './lexer.ts';

const QUERY_LENGTH_MAX = 100_000;
const NESTING_MAX = 50;
const CONDITION_COUNT_MAX = 500;
const VALUE_COUNT_MAX = 5000;

const PRECEDENCE: Readonly<Record<string, number>> = { or: 1, and: 2 };
const NOT_PRECEDENCE = 3;
const COMPARISONS: ReadonlySet<string> = new Set<Comparison>(['=', '!=', '<', '<=', '>', '>=']);

class Parser {
  readonly #query: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #conditions = 0;
  #values = 0;

  constructor(query: string) {
    this.#query = query;
    this.#tokens = tokenize(query);
  }

  parse(): Query {
    const startsWithOrder = this.#isKeyword('order');
    const where = startsWithOrder || this.#peek().kind === 'end' ? undefined : this.#expression(0, 0);
    const orderBy = this.#isKeyword('order') ? this.#orderBy() : undefined;
    if (this.#peek().kind !== 'end') throw this.#unexpected('AND, OR, ORDER BY or the end');
    return { where, orderBy };
  }

  #expression(minPrecedence: number, depth: number): Expression {
    if (depth > NESTING_MAX) throw this.#fault(`nested deeper than ${NESTING_MAX}`);
    let left = this.#prefix(depth);
    for (;;) {
      const token = this.#peek();
      const precedence = token.kind === 'keyword' ? (PRECEDENCE[token.text] ?? 0) : 0;
      if (precedence === 0 || precedence <= minPrecedence) return left;
      this.#index++;
      const kind = token.text === 'and' ? 'and' : 'or';
      const right = this.#expression(precedence, depth + 1);
      // Chains are kept flat: a long one is not a deep one.
      left = { kind, operands: left.kind === kind ? [...left.operands, right] : [left, right] };
    }
  }

  #prefix(depth: number): Expression {
    if (this.#takeKeyword('not')) return { kind: 'not', operand: this.#expression(NOT_PRECEDENCE, depth + 1) };
    if (!this.#takeSymbol('(')) return this.#condition();
    const inner = this.#expression(0, depth + 1);
    if (!this.#takeSymbol(')')) throw this.#unexpected('AND, OR or ")"');
    return inner;
  }

  #condition(): Expression {
    if (++this.#conditions > CONDITION_COUNT_MAX) throw this.#fault(`more than ${CONDITION_COUNT_MAX} conditions`);
    const attribute = this.#attribute();
    const token = this.#peek();
    if (token.kind === 'symbol' && COMPARISONS.has(token.text)) {
      this.#index++;
      return this.#comparison(attribute, token.text as Comparison); // the set holds exactly those
    }
    if (this.#takeKeyword('is')) {
      const isNegated = this.#takeKeyword('not');
      if (!this.#takeKeyword('null') && !this.#takeKeyword('missing')) throw this.#unexpected('NULL or missing');
      return negatedIf(isNegated, { kind: 'missing', attribute });
    }
    const isNegated = this.#takeKeyword('not');
    if (this.#takeKeyword('in')) return negatedIf(isNegated, { kind: 'in', attribute, values: this.#valueList() });
    if (this.#takeKeyword('like')) return negatedIf(isNegated, { kind: 'like', attribute, pattern: this.#value() });
    if (!this.#takeKeyword('between')) throw this.#unexpected('an operator (=, !=, <, <=, >, >=, IN, BETWEEN or LIKE)');
    const low = this.#value();
    if (!this.#takeKeyword('and')) throw this.#unexpected('AND');
    return negatedIf(isNegated, { kind: 'between', attribute, low, high: this.#value() });
  }

  #comparison(attribute: AttributeName, operator: Comparison): Expression {
    const token = this.#peek();
    if (token.kind !== 'keyword' || token.text !== 'missing') {
      return { kind: 'compare', attribute, operator, value: this.#value() };
    }
    if (operator !== '=' && operator !== '!=')
      throw this.#unexpected('a value: only = and != can be used with missing');
    this.#index++;
    return negatedIf(operator === '!=', { kind: 'missing', attribute });
  }

  #valueList(): Literal[] {
    if (!this.#takeSymbol('(')) throw this.#unexpected('"("');
    const values = [this.#value()];
    while (this.#takeSymbol(',')) values.push(this.#value());
    if (!this.#takeSymbol(')')) throw this.#unexpected('"," or ")"');
    return values;
  }

  #value(): Literal {
    if (++this.#values > VALUE_COUNT_MAX) throw this.#fault(`more than ${VALUE_COUNT_MAX} values`);
    const { kind, text, position } = this.#peek();
    if (kind === 'string' || kind === 'number' || kind === 'relative') {
      this.#index++;
      return { kind, text, position };
    }
    if (kind === 'keyword' && (text === 'true' || text === 'false')) {
      this.#index++;
      return { kind: 'bool', text, position };
    }
    throw this.#unexpected('a value (a string in quotes, a number, true, false or now())');
  }

  #orderBy(): NonNullable<Query['orderBy']> {
    this.#index++;
    if (!this.#takeKeyword('by')) throw this.#unexpected('BY');
    const attribute = this.#attribute();
    const descending = this.#takeKeyword('desc');
    if (!descending) this.#takeKeyword('asc');
    const next = this.#peek();
    if (next.kind === 'symbol' && next.text === ',') throw this.#fault('only one attribute to order by is supported');
    return { attribute, descending };
  }

  #attribute(): AttributeName {
    const { kind, text, position } = this.#peek();
    if (kind !== 'name') throw this.#unexpected('the name of a search attribute');
    this.#index++;
    return { name: text, position };
  }

  #peek(): Token {
    // The last token is 'end' and nothing steps beyond it.
    return this.#tokens[this.#index] as Token;
  }

  #isKeyword(keyword: Keyword): boolean {
    const token = this.#peek();
    return token.kind === 'keyword' && token.text === keyword;
  }

  #takeKeyword(keyword: Keyword): boolean {
    const isNext = this.#isKeyword(keyword);
    if (isNext) this.#index++;
    return isNext;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    const isNext = token.kind === 'symbol' && token.text === symbol;
    if (isNext) this.#index++;
    return isNext;
  }

  #unexpected(expected: string): Error {
    const { kind, text } = this.#peek();
    const found = kind === 'end' ? 'the query ends' : kind === 'string' ? `found '${text}'` : `found "${text}"`;
    return this.#fault(`expected ${expected}, but ${found}`);
  }

  #fault(message: string): Error {
    return queryFault(this.#query, this.#peek().position, `Invalid query: ${message}`);
  }
}

const negatedIf = (isNegated: boolean, operand: Expression): Expression =>
  isNegated ? { kind: 'not', operand } : operand;

/** Throws BadRequest with a caret under the fault. */
export function parseQuery(query: string): Query {
  if (query.length > QUERY_LENGTH_MAX) {
    throw queryFault(query.slice(0, 40), 0, `Invalid query: longer than ${QUERY_LENGTH_MAX} characters`);
  }
  return new Parser(query).parse();
}
