// The values of a YAML file in Cadence's form, `key: [{ value, constraints }]`. A fault names its line; a file with a fault counts as a whole
// as not written, so that half an edit never takes effect.
import { readFile, stat } from 'node:fs/promises';
import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { ConstrainedValue } from './constraints.ts';
import { checkedValue, requireFewValues, requireKey, withoutOverwritten } from './entries.ts';
import { ValueError } from './values.ts';

export type KeyValues = ReadonlyMap<string, readonly ConstrainedValue[]>;

export const NO_VALUES: KeyValues = new Map();

/** The text names the file and the line. */
export class FileError extends Error {
  override readonly name = 'DynamicConfigFileError';
}

const FILE_BYTES_MAX = 4 * 1024 * 1024;

export interface ConfigFile {
  /** Its values when it has changed since the last call, which for the first it always has. @throws FileError */
  loadIfChanged(): Promise<KeyValues | undefined>;
}

export function createConfigFile(file: string): ConfigFile {
  let seen = '';
  return {
    async loadIfChanged() {
      try {
        const { mtimeMs, size } = await stat(file);
        const state = `${mtimeMs}:${size}`;
        if (state === seen) return undefined;
        seen = state;
        if (size > FILE_BYTES_MAX) throw new FileError(`${file} has ${size} bytes, and may have ${FILE_BYTES_MAX}`);
        return parseFile(file, await readFile(file, 'utf8'));
      } catch (error) {
        if (error instanceof FileError) throw error;
        throw new FileError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

/** @throws FileError for the first fault. */
export function parseFile(file: string, text: string): KeyValues {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault !== undefined) {
    throw new FileError(`${file}:${lines.linePos(fault.pos[0]).line}: ${fault.message.split('\n')[0]}`);
  }
  const at = (node: unknown, message: string, cause?: unknown): FileError => {
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    return new FileError(`${file}:${lines.linePos(offset).line}: ${message}`, { cause });
  };
  if (document.contents === null) return NO_VALUES;
  if (!isMap(document.contents)) throw at(document.contents, 'the top level must map keys to their values');
  const found = new Map<string, readonly ConstrainedValue[]>();
  for (const pair of document.contents.items) {
    const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
    found.set(name, valuesOf(name, pair.key, pair.value, at));
  }
  return found;
}

type At = (node: unknown, message: string, cause?: unknown) => FileError;

function valuesOf(name: string, keyNode: unknown, node: unknown, at: At): readonly ConstrainedValue[] {
  const key = faultsAt(keyNode, at, () => requireKey(name));
  if (!isSeq(node)) throw at(node ?? keyNode, `${name} must be a list of values, each as "- value: …"`);
  faultsAt(node, at, () => requireFewValues(key, node.items.length));
  const values = node.items.map((item) => {
    if (!isMap(item)) throw at(item, `${name}: each entry must have a "value" and may have "constraints"`);
    const fields = fieldsOf(name, item, at);
    const constraints = fields.get('constraints') ?? {};
    if (typeof constraints !== 'object' || Array.isArray(constraints)) {
      throw at(item, `${name}: constraints must be a map`);
    }
    return faultsAt(item, at, () =>
      checkedValue(key, { value: fields.get('value'), constraints: constraints as Record<string, unknown> }),
    );
  });
  return withoutOverwritten(values);
}

function fieldsOf(name: string, item: YAMLMap, at: At): ReadonlyMap<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const pair of item.items) {
    const field = isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : '';
    if (field !== 'value' && field !== 'constraints') {
      throw at(pair.key, `${name}: an entry has "value" and "constraints", not "${field}"`);
    }
    fields.set(field, (pair.value as Node | null)?.toJSON?.() ?? undefined);
  }
  if (!fields.has('value')) throw at(item, `${name}: an entry has no "value"`);
  return fields;
}

function faultsAt<T>(node: unknown, at: At, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof ValueError) throw at(node, error.message, error);
    throw error;
  }
}
