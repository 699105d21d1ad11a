// Tokens of the query language, each with its place in the text.
import { queryFault } from './fault.ts';
import { RELATIVE_TIME } from './relative-time.ts';

export type Token =
  | { readonly kind: 'name'; readonly text: string; readonly position: number }
  | { readonly kind: 'keyword'; readonly text: Keyword; readonly position: number }
  | { readonly kind: 'string'; readonly text: string; readonly position: number }
  | { readonly kind: 'number'; readonly text: string; readonly position: number }
  | { readonly kind: 'relative'; readonly text: string; readonly position: number }
  | { readonly kind: 'symbol'; readonly text: string; readonly position: number }
  | { readonly kind: 'end'; readonly text: ''; readonly position: number };

export type Keyword =
  | 'and'
  | 'or'
  | 'not'
  | 'in'
  | 'between'
  | 'like'
  | 'is'
  | 'null'
  | 'missing'
  | 'true'
  | 'false'
  | 'order'
  | 'by'
  | 'asc'
  | 'desc';

const KEYWORDS: ReadonlySet<string> = new Set<Keyword>([
  'and',
  'or',
  'not',
  'in',
  'between',
  'like',
  'is',
  'null',
  'missing',
  'true',
  'false',
  'order',
  'by',
  'asc',
  'desc',
]);

// Sticky patterns, tried in this order at each place.
const SPACE = /\s+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_.]*/y;
const QUOTED_NAME = /`([A-Za-z_][A-Za-z0-9_.]*)`/y;
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_.])/y;
const SYMBOL = /<>|<=|>=|!=|[=<>(),]/y;

function matchAt(pattern: RegExp, query: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(query);
}

/** The text between the quotes: a quote is written twice or after a backslash. */
function scanString(query: string, position: number): { text: string; end: number } {
  const quote = query[position];
  let text = '';
  for (let index = position + 1; index < query.length; index++) {
    const character = query[index] as string;
    const next = query[index + 1];
    if (character === '\\' && next !== undefined) {
      // A backslash that escapes nothing stands for itself, as patterns and paths contain them.
      text += next === quote || next === '\\' ? next : `\\${next}`;
      index++;
    } else if (character !== quote) text += character;
    else if (next === quote) {
      text += quote;
      index++;
    } else return { text, end: index + 1 };
  }
  throw queryFault(query, position, `Invalid query: unterminated string`);
}

function scanToken(query: string, position: number): { token: Token; end: number } {
  const character = query[position];
  if (character === "'" || character === '"') {
    const { text, end } = scanString(query, position);
    return { token: { kind: 'string', text, position }, end };
  }
  const quoted = matchAt(QUOTED_NAME, query, position);
  if (quoted !== null) {
    return { token: { kind: 'name', text: quoted[1] ?? '', position }, end: position + quoted[0].length };
  }
  const number = matchAt(NUMBER, query, position);
  if (number !== null) {
    return { token: { kind: 'number', text: number[0], position }, end: position + number[0].length };
  }
  const symbol = matchAt(SYMBOL, query, position);
  if (symbol !== null) {
    const text = symbol[0] === '<>' ? '!=' : symbol[0];
    return { token: { kind: 'symbol', text, position }, end: position + symbol[0].length };
  }
  const relative = matchAt(RELATIVE_TIME, query, position);
  if (relative !== null) {
    return { token: { kind: 'relative', text: relative[0], position }, end: position + relative[0].length };
  }
  const name = matchAt(NAME, query, position);
  if (name === null) throw queryFault(query, position, `Invalid query: unexpected character "${character}"`);
  const lower = name[0].toLowerCase();
  const end = position + name[0].length;
  // The set holds exactly the keywords.
  if (KEYWORDS.has(lower)) return { token: { kind: 'keyword', text: lower as Keyword, position }, end };
  return { token: { kind: 'name', text: name[0], position }, end };
}

/** All tokens, the last one 'end'. */
export function tokenize(query: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    position += matchAt(SPACE, query, position)?.[0].length ?? 0;
    if (position >= query.length) break;
    const { token, end } = scanToken(query, position);
    tokens.push(token);
    position = end;
  }
  tokens.push({ kind: 'end', text: '', position: query.length });
  return tokens;
}
