// What this driver needs of the open SQLite file that it shares with the store (persistence/sqlite's SqliteDatabase is
// one): writes join the store's group commits. Declared here, because only the composition root names store drivers.
import type { Database } from 'better-sqlite3';

export interface SharedSqliteFile {
  readonly connection: Database;
  read<T>(what: string, query: () => T): Promise<T>;
  /** Joins the transaction of this turn; resolves when it is durable. */
  write<T>(what: string, apply: () => T): Promise<T>;
}
