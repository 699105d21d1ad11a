// How strings match. `=` on a String attribute finds the words of the phrase, in order and whatever their case, as
// full-text search does in Cadence; LIKE has the wildcards % and _ and minds case.

const WORD = /[\p{L}\p{N}_]+/gu;

export const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(WORD) ?? [];

const words = (text: string): string => ` ${wordsOf(text).join(' ')} `;

export const matchesPhrase = (text: string, phrase: string): boolean => words(text).includes(words(phrase));

/** LIKE as a regular expression; a backslash takes the wildcard's meaning away. */
export function likePattern(pattern: string): RegExp {
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] as string;
    if (character === '\\' && index + 1 < pattern.length) source += escaped(pattern[++index] as string);
    else if (character === '%') source += '[^]*';
    else if (character === '_') source += '[^]';
    else source += escaped(character);
  }
  return new RegExp(`^${source}$`, 'u');
}

/** LIKE in the language of SQLite's GLOB, which minds case and uses indexes. */
export function globPattern(pattern: string): string {
  let glob = '';
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] as string;
    const isEscape = character === '\\' && index + 1 < pattern.length;
    if (isEscape) glob += literalGlob(pattern[++index] as string);
    else if (character === '%') glob += '*';
    else if (character === '_') glob += '?';
    else glob += literalGlob(character);
  }
  return glob;
}

const escaped = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const literalGlob = (character: string): string => (/[*?[]/.test(character) ? `[${character}]` : character);
