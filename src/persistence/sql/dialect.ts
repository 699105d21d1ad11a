// What differs between PostgreSQL and MySQL in the statements of this driver: sets of rows and upserts.
import type { SqlScalar, SqlStatement, SqlValue } from './statement.ts';

export type ColumnType = 'integer' | 'real' | 'text' | 'bytes';

export interface Table {
  readonly name: string;
  /** Those that are written, in the order of the rows given. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Unique: what a conflict is about. */
  readonly key: readonly string[];
}

/**
 * When a row of that key is there: the statement fails, the old row stays, the new one replaces it, or it does if its value of this column is no
 * smaller.
 */
export type OnConflict = 'fail' | 'keep' | 'replace' | { readonly newest: string };

export interface Condition {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** The text depends on how many rows there are. */
  readonly isVariable: boolean;
}

export type SqlRowValues = readonly SqlScalar[];

export interface SqlDialect {
  readonly name: 'postgres' | 'mysql';
  /** No row twice. More than one statement when there is too much for one. */
  insert(table: Table, rows: readonly SqlRowValues[], onConflict: OnConflict): readonly SqlStatement[];
  /** The columns have the values of one of the rows. */
  isOneOf(table: Table, columns: readonly string[], rows: readonly SqlRowValues[]): Condition;
  /** Behind an INSERT whose `insertedId` is asked for. */
  returningId(column: string): string;
  /** The distinct lanes of a backlog from one on, without reading the rows within them. Values: list, priority, fairness key, limit. */
  lanes(listNumber: number, priority: number, fairnessKey: string, limit: number): SqlStatement;
}
