// Which schema versions a SQLite file has, and bringing it up to date. Each version is applied in one transaction
// with its record, so a crash leaves the file at a whole version. A file from a newer release is refused rather than
// guessed at.
import type { Database } from 'better-sqlite3';
import { loadSchemaVersions, type SchemaVersion } from '../schema-files.ts';
import { type AppliedVersion, pendingVersions } from '../schema-target.ts';

const VERSIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, description TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms INTEGER NOT NULL
) STRICT`;

/** Undefined: the file has no table of versions. */
export function appliedVersions(connection: Database): readonly AppliedVersion[] | undefined {
  const table = connection.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'`).get();
  if (table === undefined) return undefined;
  return connection
    .prepare<[], AppliedVersion>(
      'SELECT version, description, sha256, applied_ms AS appliedMs FROM schema_versions ORDER BY version',
    )
    .all();
}

export const setUpVersions = (connection: Database): void => {
  connection.exec(VERSIONS_TABLE);
};

export function applyVersion(connection: Database, added: SchemaVersion, nowMs: number): void {
  const { version, description, sha256, text } = added;
  const apply = connection.transaction(() => {
    setUpVersions(connection);
    connection.exec(text);
    connection.prepare('INSERT INTO schema_versions VALUES (?, ?, ?, ?)').run(version, description, sha256, nowMs);
  });
  apply.immediate();
}

/** Applies what is missing. */
export function applySchema(connection: Database, nowMs: number): void {
  const pending = pendingVersions(appliedVersions(connection) ?? [], loadSchemaVersions('sqlite'));
  for (const version of pending) applyVersion(connection, version, nowMs);
}
