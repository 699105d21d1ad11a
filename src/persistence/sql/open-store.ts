// Opens a store on a SQL database, which must be at this release's schema.
import { requireSchema, type SchemaTarget } from '../schema-target.ts';
import type { SqlDatabase } from './database.ts';
import { createSqlStore, type SqlStore } from './store.ts';

export async function openSqlStore(target: SchemaTarget, connect: () => SqlDatabase): Promise<SqlStore> {
  try {
    await requireSchema(target);
  } finally {
    await target.close();
  }
  return createSqlStore(connect());
}
