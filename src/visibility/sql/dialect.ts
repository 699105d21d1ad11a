// What differs between the databases that visibility is kept in: how the values of custom attributes are stored and found, how texts match, how
// rows are put in order. Everything else of a query is the same text everywhere (compile.ts).
import type { AttributeValue } from '../condition.ts';
import type { SearchAttribute } from '../search-attributes.ts';

export type SqlParameter = string | number | null;

/** Adds a parameter and gives its placeholder. Parameters are bound in the order of the text. */
export type Bind = (value: AttributeValue | null) => string;

export interface Column {
  /** The text, when it binds nothing. */
  readonly sql: string;
  readonly isNullable: boolean;
  /** Holds whole numbers only, and is compared with such. */
  readonly isInteger?: boolean;
  /** The text with parameters of its own, in place of `sql`. */
  readonly bound?: (bind: Bind, nowMs: number) => string;
}

/** Custom values that a search begins at. */
export interface ValueSource {
  readonly from: string;
  readonly conditions: readonly string[];
  /** The column that equals run_no and follows the index. */
  readonly row: string;
}

export interface VisibilityDialect {
  /** `=` and IN of this attribute are asked of that column, for the value `keyOf` it. */
  keyColumn(attribute: SearchAttribute): { readonly sql: string; keyOf(value: string): string } | undefined;
  /** `SELECT 1 FROM …` of the run's values of a custom attribute; more conditions follow behind `AND`. */
  attributeRows(attribute: SearchAttribute, bind: Bind): string;
  /** One such value, and what a pattern is matched with. */
  attributeValue(attribute: SearchAttribute): string;
  /** The first value of the attribute, to sort by. */
  attributeSort(attribute: SearchAttribute): Column;
  /** Whether an index leads to runs with this value. */
  isIndexed(value: AttributeValue): boolean;
  /** The start time in such a source. */
  readonly valueStart: string;
  valueSource(domainId: string, attribute: SearchAttribute, values: readonly AttributeValue[], bind: Bind): ValueSource;
  like(operand: string, pattern: string, bind: Bind): string;
  /** The words of a String attribute contain the phrase. */
  phrase(attribute: SearchAttribute, phrase: string, bind: Bind): string;
  nullsLast(sortValue: string, direction: 'ASC' | 'DESC'): string;
  /** Says once more what a comparison of tuples implies, where the planner needs it. */
  readonly repeatsTupleBound: boolean;
}
