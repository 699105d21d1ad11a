// Where an attribute is in the documents of the index (schema/opensearch). System attributes are fields of their own names; custom ones are under
// the kind of their values, so that a new attribute needs no mapping and one of another type never conflicts. Numbers, times and booleans are doubles, as
// they are in JavaScript: one order, and sort values that JSON keeps.
import type { AttributeValue } from '../condition.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import { wordsOf } from '../text-match.ts';

/** `Words` is what phrases are found in; the `First…` ones hold the first value of a list, by which runs are ordered. */
export type CustomFields = Partial<
  Record<
    'Keyword' | 'Number' | 'Words' | 'FirstKeyword' | 'FirstNumber',
    Record<string, AttributeValue | readonly AttributeValue[]>
  >
>;

export interface Field {
  readonly path: string;
  /** Where its first value is. */
  readonly sortPath: string;
  /** Has a value exactly when the attribute has one. */
  readonly presencePath: string;
  readonly wordsPath: string;
  readonly isKeyword: boolean;
}

const SYSTEM_PATHS: ReadonlyMap<string, string> = new Map([['ScheduledExecutionTime', 'ExecutionTime']]);

const isKeyword = ({ values }: SearchAttribute): boolean => values === 'keyword' || values === 'text';

export function fieldOf(attribute: SearchAttribute): Field {
  const { name, isSystem, values } = attribute;
  if (isSystem) {
    const path = SYSTEM_PATHS.get(name) ?? name;
    return { path, sortPath: path, presencePath: path, wordsPath: '', isKeyword: isKeyword(attribute) };
  }
  const kind = isKeyword(attribute) ? 'Keyword' : 'Number';
  return {
    path: `${kind}.${name}`,
    sortPath: `First${kind}.${name}`,
    // Long values are found by their words alone.
    presencePath: values === 'text' ? `Words.${name}` : `${kind}.${name}`,
    wordsPath: `Words.${name}`,
    isKeyword: kind === 'Keyword',
  };
}

// Stands for a text without a word, which a phrase without a word finds.
const NO_WORDS = '\u0001';

/** The words of a text with one space between, as the index splits them again. */
export const indexedWords = (text: string): string => wordsOf(text).join(' ') || NO_WORDS;

export const indexedValue = (value: AttributeValue): string | number =>
  typeof value === 'boolean' ? Number(value) : value;

/** The fields of a run's custom attributes. */
export function customFields(
  attributes: Readonly<Record<string, AttributeValue | AttributeValue[]>>,
  registry: ReadonlyMap<string, SearchAttribute>,
): CustomFields {
  const fields: CustomFields = {};
  const put = (kind: keyof CustomFields, name: string, value: AttributeValue | readonly AttributeValue[]): void => {
    fields[kind] = { ...fields[kind], [name]: value };
  };
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = registry.get(name);
    const values = (Array.isArray(value) ? value : [value]).map(indexedValue);
    const [first] = values;
    if (attribute === undefined || first === undefined) continue;
    const kind = isKeyword(attribute) ? 'Keyword' : 'Number';
    put(kind, name, values);
    put(`First${kind}`, name, first);
    if (attribute.values === 'text')
      put(
        'Words',
        name,
        values.map((text) => indexedWords(String(text))),
      );
  }
  return fields;
}
