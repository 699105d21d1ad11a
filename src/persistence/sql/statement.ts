// What the SQL drivers are told and what they answer. Statements are written once, with `?` for values; a dialect knows what differs between
// the servers. Rows come back by column name: integers as numbers, bytes as Uint8Array, everything else as text.

export type SqlScalar = string | number | Uint8Array | null;
/** A dialect may send a whole column of rows as one value. */
export type SqlValue = SqlScalar | readonly SqlScalar[];

export interface SqlStatement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** One of a fixed set of texts: worth preparing once a connection. */
  readonly isPrepared: boolean;
}

export type SqlRow = Readonly<Record<string, SqlScalar>>;

export interface SqlResult {
  readonly rows: readonly SqlRow[];
  /** Rows that were inserted, matched by an update, or deleted. */
  readonly changes: number;
  /** Number that the server gave the inserted row. */
  readonly insertedId?: number | undefined;
}

export const sql = (text: string, ...values: readonly SqlValue[]): SqlStatement => ({ text, values, isPrepared: true });
export const adHocSql = (text: string, values: readonly SqlValue[]): SqlStatement => ({
  text,
  values,
  isPrepared: false,
});

/** Rows as what the statement's author knows them to be. */
export const rowsOf = <T>(result: SqlResult | undefined): readonly T[] => (result?.rows ?? []) as readonly T[];
export const rowOf = <T>(result: SqlResult | undefined): T | undefined => rowsOf<T>(result)[0];
