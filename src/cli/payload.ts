// JSON as people type it, to payloads as clients read them: JSON values one after another, each on a line, the Go client's form of arguments.
import fs from 'node:fs';
import { usageError } from './failure.ts';

export interface Payload {
  readonly data: Uint8Array;
}

const bytes = (values: readonly string[]): Payload => ({
  data: Buffer.from(values.map((value) => `${value}\n`).join('')),
});

/** `"order-1" {"amount": 3}` to two values. @throws CliError when it is no JSON. */
export function jsonValues(text: string): readonly string[] {
  const values: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const length = firstJsonLength(rest);
    values.push(JSON.stringify(JSON.parse(rest.slice(0, length))));
    rest = rest.slice(length).trim();
  }
  return values;
}

export function payloadOf(text: string | undefined): Payload | undefined {
  return text === undefined ? undefined : bytes(jsonValues(text));
}

/** The value of a flag, or the content of the file that the other flag names. */
export function textOrFile(text: string | undefined, file: string | undefined, flagNames: string): string | undefined {
  if (text !== undefined && file !== undefined) throw usageError(`give one of ${flagNames}, not both`);
  return file === undefined ? text : readFile(file);
}

export const inputOf = (flags: { input: string | undefined; inputFile: string | undefined }): Payload | undefined =>
  payloadOf(textOrFile(flags.input, flags.inputFile, '--input and --input-file'));

export function readFile(file: string): string {
  try {
    return fs.readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw usageError(`cannot read ${file}: ${(cause as Error).message}`);
  }
}

/** Cadence's two lists, `--memo_key 'a b' --memo '1 "x"'`, to fields. */
export function keyedPayloads(
  keys: readonly string[],
  values: readonly string[],
  what: string,
): Record<string, Payload> {
  if (keys.length !== values.length) {
    throw usageError(`${what}: ${keys.length} keys and ${values.length} values; there must be as many of each`);
  }
  return Object.fromEntries(keys.map((key, index) => [key, { data: Buffer.from(values[index] as string) }]));
}

/** `key=json`, each a flag of its own, to fields. */
export function pairedPayloads(typed: readonly string[], what: string): Record<string, Payload> {
  return Object.fromEntries(
    typed.map((pair) => {
      const separator = pair.indexOf('=');
      if (separator <= 0) throw usageError(`${what}: expected key=json, and got "${pair}"`);
      const values = jsonValues(pair.slice(separator + 1));
      if (values.length !== 1) throw usageError(`${what}: expected one JSON value for ${pair.slice(0, separator)}`);
      return [pair.slice(0, separator), { data: Buffer.from(values[0] as string) }];
    }),
  );
}

/** Cadence's `|` lists of search attributes: a number, true, false, a JSON list, or else text. */
export function searchAttributeValues(text: string): readonly string[] {
  return text.split('|').map((each) => {
    const value = each.trim();
    if (/^-?\d+(\.\d+)?$/.test(value) || /^(true|false)$/.test(value)) return value;
    if (value.startsWith('[')) return jsonValues(value)[0] ?? '[]';
    return JSON.stringify(value);
  });
}

function firstJsonLength(text: string): number {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (inString) {
      if (char === '\\') i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    const next = text[i + 1];
    if (
      depth === 0 &&
      !inString &&
      (next === undefined || /\s/.test(next) || char === '"' || char === '}' || char === ']')
    ) {
      try {
        JSON.parse(text.slice(0, i + 1));
        return i + 1;
      } catch (error) {
        if (next === undefined) throw notJson(text, error);
      }
    }
  }
  throw notJson(text, undefined);
}

const notJson = (text: string, cause: unknown): Error =>
  usageError(
    `not JSON: ${text.length > 80 ? `${text.slice(0, 80)}…` : text}${cause instanceof Error ? ` (${cause.message})` : ''}`,
    'Strings need double quotes inside the shell quotes: --input \'"order-1"\'.',
  );
