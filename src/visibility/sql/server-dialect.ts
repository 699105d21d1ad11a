// Visibility's SQL on PostgreSQL and on MySQL: each value of a custom attribute is a row of visibility_values, in the column of its type. Ids that
// an index could not hold are looked for by their key.
import { boundedKey } from '#persistence/sql';
import type { AttributeValue } from '../condition.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import { wordsOf } from '../text-match.ts';
import type { Bind, Column, VisibilityDialect } from './dialect.ts';

/** Longer ones are not in `search_value`. */
export const SEARCH_VALUE_BYTES_MAX = 255;

const KEY_COLUMNS: ReadonlyMap<string, { readonly sql: string; keyOf(value: string): string }> = new Map([
  ['WorkflowID', { sql: 'visibility.workflow_key', keyOf: (value: string) => boundedKey(value) }],
  ['WorkflowType', { sql: 'visibility.type_key', keyOf: (value: string) => boundedKey(value) }],
]);

export const isTextAttribute = ({ values }: SearchAttribute): boolean => values === 'keyword' || values === 'text';

/** Words of a text between blanks, as phrases are looked for. */
export const wordText = (text: string): string => ` ${wordsOf(text).join(' ')} `;

/** LIKE with every backslash in front of something that it escapes: some servers refuse others. */
export const likeText = (pattern: string): string =>
  pattern.replace(/\\([\s\S])?/g, (_, escaped: string | undefined) => {
    if (escaped === undefined) return '\\\\';
    return escaped === '%' || escaped === '_' || escaped === '\\' ? `\\${escaped}` : escaped;
  });

interface Differences {
  /** Texts of a column, to be matched by characters. */
  readonly characters: (operand: string) => string;
  readonly contains: (text: string, part: string) => string;
  readonly nullsLast: VisibilityDialect['nullsLast'];
  readonly repeatsTupleBound: boolean;
}

function serverDialect(differences: Differences): VisibilityDialect {
  const valueColumn = (attribute: SearchAttribute): string =>
    isTextAttribute(attribute) ? 'v.text_value' : 'v.number_value';
  const rows = (attribute: SearchAttribute, bind: Bind): string =>
    `FROM visibility_values v WHERE v.run_no = visibility.run_no AND v.attr_name = ${bind(attribute.name)}`;
  return {
    keyColumn: ({ name }) => KEY_COLUMNS.get(name),
    attributeRows: (attribute, bind) => `SELECT 1 ${rows(attribute, bind)}`,
    attributeValue: valueColumn,
    attributeSort: (attribute): Column => ({
      sql: '',
      isNullable: true,
      bound: (bind) => {
        const value = isTextAttribute(attribute) ? differences.characters('v.text_value') : 'v.number_value';
        return `(SELECT ${value} ${rows(attribute, bind)} AND v.list_position = 0)`;
      },
    }),
    isIndexed: (value: AttributeValue) =>
      typeof value !== 'string' || Buffer.byteLength(value) <= SEARCH_VALUE_BYTES_MAX,
    valueStart: 'v.start_ms',
    valueSource: (domainId, attribute, values, bind) => ({
      from: 'visibility_values v JOIN visibility ON visibility.run_no = v.run_no',
      conditions: [
        `v.domain_id = ${bind(domainId)}`,
        `v.attr_name = ${bind(attribute.name)}`,
        `${isTextAttribute(attribute) ? 'v.search_value' : 'v.number_value'} IN (${values.map(bind).join(', ')})`,
      ],
      row: 'v.run_no',
    }),
    like: (operand, pattern, bind) => `${differences.characters(operand)} LIKE ${bind(likeText(pattern))}`,
    phrase: (_attribute, phrase, bind) => differences.contains('v.words', bind(wordText(phrase))),
    nullsLast: differences.nullsLast,
    repeatsTupleBound: differences.repeatsTupleBound,
  };
}

const POSTGRES = serverDialect({
  characters: (operand) => operand,
  contains: (text, part) => `strpos(${text}, ${part}) > 0`,
  nullsLast: (sortValue, direction) => `${sortValue} ${direction} NULLS LAST`,
  repeatsTupleBound: false,
});

const MYSQL = serverDialect({
  // Ids are bytes there: `_` shall mean a character.
  characters: (operand) => `(CONVERT(${operand} USING utf8mb4) COLLATE utf8mb4_bin)`,
  contains: (text, part) => `instr(${text}, ${part}) > 0`,
  nullsLast: (sortValue, direction) => `${sortValue} IS NULL, ${sortValue} ${direction}`,
  repeatsTupleBound: true,
});

export const SERVER_DIALECTS: Readonly<Record<'postgres' | 'mysql', VisibilityDialect>> = {
  postgres: POSTGRES,
  mysql: MYSQL,
};
