// PostgreSQL's texts cannot hold the character U+0000, and ids of Cadence may. It is written as two characters U+0001, and U+0001 as U+0001
// U+0002: nothing is lost, and texts sort as before.

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const ESCAPED = /[\u0000\u0001]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const ESCAPED_ALL = /[\u0000\u0001]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const ESCAPES_ALL = /\u0001([\u0001\u0002])/g;

export const escapeText = (text: string): string =>
  ESCAPED.test(text)
    ? text.replace(ESCAPED_ALL, (character) => (character === '\u0000' ? '\u0001\u0001' : '\u0001\u0002'))
    : text;

export const unescapeText = (text: string): string =>
  text.includes('\u0001')
    ? text.replace(ESCAPES_ALL, (_, kind: string) => (kind === '\u0001' ? '\u0000' : '\u0001'))
    : text;
