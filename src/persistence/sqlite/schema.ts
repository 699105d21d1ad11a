// Which schema versions a SQLite file has, and bringing it up to date. Each version is applied in one transaction
// with its record, so a crash leaves the file at a whole version. A file from a newer release is refused rather than
// guessed at.
import type { Database } from 'better-sqlite3';
import { StoreError } from '#base';
import { loadSchemaVersions, type SchemaVersion } from '../schema-files.ts';

const VERSIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, description TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms INTEGER NOT NULL
) STRICT`;

export interface AppliedVersion {
  readonly version: number;
  readonly description: string;
  readonly sha256: string;
  readonly appliedMs: number;
}

export function appliedVersions(connection: Database): readonly AppliedVersion[] {
  const table = connection.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'`).get();
  if (table === undefined) return [];
  return connection
    .prepare<[], AppliedVersion>(
      'SELECT version, description, sha256, applied_ms AS appliedMs FROM schema_versions ORDER BY version',
    )
    .all();
}

export function pendingVersions(
  connection: Database,
  versions: readonly SchemaVersion[] = loadSchemaVersions('sqlite'),
): readonly SchemaVersion[] {
  const applied = appliedVersions(connection);
  const current = applied.at(-1)?.version ?? 0;
  const newest = versions.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new StoreError(
      'Unavailable',
      `the store has schema version ${current}, this release knows ${newest} at most`,
    );
  }
  const changed = applied.find((row) => versions[row.version - 1]?.sha256 !== row.sha256);
  if (changed !== undefined) {
    const message = `the store's schema version ${changed.version} is not this release's: another build made it`;
    throw new StoreError('Unavailable', message);
  }
  return versions.filter(({ version }) => version > current);
}

/** Applies what is missing; returns it. */
export function applySchema(
  connection: Database,
  nowMs: number,
  versions: readonly SchemaVersion[] = loadSchemaVersions('sqlite'),
): readonly SchemaVersion[] {
  const pending = pendingVersions(connection, versions);
  for (const { version, description, sha256, text } of pending) {
    const apply = connection.transaction(() => {
      connection.exec(VERSIONS_TABLE);
      connection.exec(text);
      connection.prepare('INSERT INTO schema_versions VALUES (?, ?, ?, ?)').run(version, description, sha256, nowMs);
    });
    apply.immediate();
  }
  return pending;
}
