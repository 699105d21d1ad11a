// Opens a store on a SQL database, which must be at this release's schema.
import { StoreError } from '#base';
import { requireSchema, type SchemaTarget } from '../schema-target.ts';
import { SqlFailure } from './connection.ts';
import type { SqlDatabase } from './database.ts';
import { createSqlStore, type SqlStore } from './store.ts';

export async function openSqlStore(target: SchemaTarget, connect: () => SqlDatabase): Promise<SqlStore> {
  try {
    await requireSchema(target);
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    throw new StoreError('Unavailable', `cannot open ${target.name}: ${error.message}`, { cause: error });
  } finally {
    await target.close();
  }
  return createSqlStore(connect());
}
