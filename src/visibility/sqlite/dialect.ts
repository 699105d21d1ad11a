// Visibility's SQL on SQLite: custom attributes are one JSON object a run, and the values that are short enough are in an index of their own, kept
// by triggers.
import { assert } from '#base';
import type { AttributeValue } from '../condition.ts';
import type { SearchAttribute } from '../search-attributes.ts';
import type { VisibilityDialect } from '../sql/dialect.ts';
import { globPattern } from '../text-match.ts';

/** The SQL function behind `=` on String attributes; the driver registers it. */
export const PHRASE_FUNCTION = 'antiphon_matches_phrase';

// As long as the values that schema/sqlite indexes; JavaScript counts at least as many characters as SQLite does.
const INDEXED_LENGTH_MAX = 255;

const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** The JSON path of a custom attribute as a SQL literal. Its name is of the registry, not of the query. */
function pathLiteral({ name }: SearchAttribute): string {
  assert(SAFE_NAME.test(name), 'a search attribute has a plain name', { name });
  return `'$."${name}"'`;
}

export const SQLITE_VISIBILITY_DIALECT: VisibilityDialect = {
  keyColumn: () => undefined,
  attributeRows: (attribute) => `SELECT 1 FROM json_each(attributes, ${pathLiteral(attribute)}) WHERE TRUE`,
  attributeValue: () => 'value',
  attributeSort: (attribute) => ({
    sql: `(SELECT value FROM json_each(attributes, ${pathLiteral(attribute)}) ORDER BY key LIMIT 1)`,
    isNullable: true,
  }),
  isIndexed: (value: AttributeValue) => typeof value !== 'string' || value.length <= INDEXED_LENGTH_MAX,
  valueStart: 'attr_start',
  valueSource: (domainId, { name }, values, bind) => ({
    // CROSS JOIN keeps this order: first the values, then their rows.
    from: 'visibility_values CROSS JOIN visibility ON run_no = attr_run',
    conditions: [
      `attr_domain = ${bind(domainId)}`,
      `attr_name = ${bind(name)}`,
      `attr_value IN (${values.map(bind).join(', ')})`,
    ],
    row: 'attr_run',
  }),
  like: (operand, pattern, bind) => `${operand} GLOB ${bind(globPattern(pattern))}`,
  phrase: (_attribute, phrase, bind) => `${PHRASE_FUNCTION}(value, ${bind(phrase)})`,
  nullsLast: (sortValue, direction) => `${sortValue} IS NULL, ${sortValue} ${direction}`,
  repeatsTupleBound: false,
};
