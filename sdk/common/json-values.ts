// Splits a text of concatenated JSON values into the values, as Go's streaming json.Decoder reads them: any whitespace
// between values, or none. Cadence's Go and Python clients write argument lists in this form.

const WHITESPACE = /[ \t\r\n]*/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === 0x5c) i++;
    else if (character === 0x22) return i + 1;
  }
  return text.length;
}

function containerEnd(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '"') i = stringEnd(text, i) - 1;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return i + 1;
  }
  return text.length;
}

/** The values of the text in order. Throws SyntaxError when it is not a sequence of JSON values. */
export function parseJsonValues(text: string): unknown[] {
  const values: unknown[] = [];
  let at = matchEnd(WHITESPACE, text, 0);
  while (at < text.length) {
    const first = text.charAt(at);
    let end: number;
    if (first === '"') end = stringEnd(text, at);
    else if (first === '{' || first === '[') end = containerEnd(text, at);
    else end = matchEnd(/[tfn]/.test(first) ? LITERAL : NUMBER, text, at);
    if (end === at) throw new SyntaxError(`unexpected "${first}" at ${at} in a sequence of JSON values`);
    values.push(JSON.parse(text.slice(at, end)));
    at = matchEnd(WHITESPACE, text, end);
  }
  return values;
}
