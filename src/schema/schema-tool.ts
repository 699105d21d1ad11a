// The schema tool: which versions a store has, what is pending, applying it. The server applies pending versions of
// an embedded store itself when it opens it; this is for `antiphon schema …` and for stores that an operator upgrades
// by hand.
import { existsSync } from 'node:fs';
import type { Env } from '#env';
import { loadSchemaVersions, type SchemaVersion } from '#persistence';
import {
  appliedVersions,
  applySchema,
  openSqliteDatabase,
  pendingVersions,
  type SqliteDatabase,
} from '#persistence/sqlite';

export interface SchemaTarget {
  readonly driver: 'sqlite';
  /** The store's file. */
  readonly path: string;
}

export interface SchemaVersionStatus {
  readonly version: number;
  readonly description: string;
  /** 'changed': applied from a text that is not this release's. 'unknown': applied by a newer release. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
  readonly appliedMs?: number;
}

export interface SchemaStatus {
  /** 0: the store does not exist or is empty. */
  readonly currentVersion: number;
  readonly latestVersion: number;
  readonly versions: readonly SchemaVersionStatus[];
}

export interface SchemaTool {
  status(): Promise<SchemaStatus>;
  /**
   * Applies what is pending, in order, each version in one transaction; with `dryRun` only says what it would
   * apply.
   */
  apply(options?: { readonly dryRun?: boolean }): Promise<readonly SchemaVersion[]>;
  /** The statements of one version, or of all. */
  print(version?: number): string;
}

export function createSchemaTool(target: SchemaTarget, env: Env): SchemaTool {
  const versions = loadSchemaVersions(target.driver);
  const withDatabase = <T>(readOnly: boolean, use: (database: SqliteDatabase) => T): T => {
    const database = openSqliteDatabase({ path: target.path, readOnly, schema: 'ignore' }, env);
    try {
      return use(database);
    } finally {
      database.close();
    }
  };
  return {
    status: async () => {
      const applied = existsSync(target.path)
        ? withDatabase(true, (database) => appliedVersions(database.connection))
        : [];
      const known = versions.map(({ version, description, sha256 }): SchemaVersionStatus => {
        const row = applied.find((candidate) => candidate.version === version);
        if (row === undefined) return { version, description, state: 'pending' };
        return { version, description, state: row.sha256 === sha256 ? 'applied' : 'changed', appliedMs: row.appliedMs };
      });
      const newer = applied
        .filter((row) => row.version > versions.length)
        .map(
          (row): SchemaVersionStatus => ({
            version: row.version,
            description: row.description,
            state: 'unknown',
            appliedMs: row.appliedMs,
          }),
        );
      return {
        currentVersion: applied.at(-1)?.version ?? 0,
        latestVersion: versions.length,
        versions: [...known, ...newer],
      };
    },
    apply: async ({ dryRun = false } = {}) => {
      if (dryRun && !existsSync(target.path)) return versions;
      if (dryRun) return withDatabase(true, (database) => pendingVersions(database.connection, versions));
      return withDatabase(false, (database) => applySchema(database.connection, env.clock.nowMs(), versions));
    },
    print: (version) =>
      versions
        .filter((candidate) => version === undefined || candidate.version === version)
        .map(
          (candidate) =>
            `-- ${target.driver} schema version ${candidate.version}: ${candidate.description}\n${candidate.text}`,
        )
        .join('\n'),
  };
}
