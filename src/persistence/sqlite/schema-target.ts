// The schema of a SQLite file, for the schema tool. Looking at it disturbs no server; changing it takes the lock that servers take.
import { existsSync } from 'node:fs';
import { required } from '#base';
import type { Env } from '#env';
import type { SchemaTarget } from '../schema-target.ts';
import { openSqliteDatabase, type SqliteDatabase, sqliteSchemaFlags } from './database.ts';
import { appliedVersions, applyVersion, setUpVersions } from './schema.ts';

export function createSqliteSchemaTarget(path: string, env: Env): SchemaTarget {
  let writing: SqliteDatabase | undefined;
  const open = (readOnly: boolean): SqliteDatabase => openSqliteDatabase({ path, readOnly, schema: 'ignore' }, env);
  const connection = () => required(writing, 'a schema is changed inside its lock').connection;
  return {
    schema: 'sqlite',
    name: `the SQLite file ${path}`,
    flags: sqliteSchemaFlags(path),
    appliedVersions: async () => {
      if (writing !== undefined) return appliedVersions(writing.connection);
      if (!existsSync(path)) return undefined;
      const database = open(true);
      try {
        return appliedVersions(database.connection);
      } finally {
        database.close();
      }
    },
    setup: async () => setUpVersions(connection()),
    locked: async (use) => {
      writing = open(false);
      try {
        return await use();
      } finally {
        writing.close();
        writing = undefined;
      }
    },
    apply: async (version, nowMs) => applyVersion(connection(), version, nowMs),
    close: async () => {},
  };
}
