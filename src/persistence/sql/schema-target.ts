// The schema of a SQL database, for the schema tool and for servers at start. PostgreSQL applies a version in one transaction. MySQL commits
// every statement of a schema by itself, so progress is recorded after each, and the next try goes on where the last one ended; of the
// statement that was under way it tolerates that it is done already.
import { required, StoreError } from '#base';
import type { SchemaVersion } from '../schema-files.ts';
import type { AppliedVersion, SchemaTarget } from '../schema-target.ts';
import { type SqlConnection, SqlFailure } from './connection.ts';
import { adHocSql, rowOf, rowsOf, type SqlResult, type SqlStatement, sql } from './statement.ts';

export interface SqlSchemaServer {
  readonly schema: string;
  readonly name: string;
  readonly flags: string;
  connect(): Promise<SqlConnection>;
  create(): Promise<boolean>;
  /** Whether the database was not there when it was connected to. */
  isNoDatabase(error: unknown): boolean;
  /** Has `found` when this schema has such a table. */
  findTable(name: string): SqlStatement;
  /** Has `locked` 1 when it was taken, for as long as the connection lives. */
  readonly lock: SqlStatement;
  readonly isAtomic: boolean;
  /** Codes that say that a statement of a schema was done before. */
  readonly alreadyDone: ReadonlySet<string>;
}

const VERSIONS = `CREATE TABLE IF NOT EXISTS schema_versions (
  version BIGINT PRIMARY KEY, description VARCHAR(1000) NOT NULL, sha256 VARCHAR(64) NOT NULL, applied_ms BIGINT NOT NULL)`;
const PROGRESS = `CREATE TABLE IF NOT EXISTS schema_progress (
  version BIGINT PRIMARY KEY, statement_count BIGINT NOT NULL)`;

const INSERT_VERSION = 'INSERT INTO schema_versions (version, description, sha256, applied_ms) VALUES (?, ?, ?, ?)';

/** The statements of a version; a semicolon ends one at the end of its line. */
function statementsOf(text: string): readonly string[] {
  return text
    .replace(/--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

export function createSqlSchemaTarget(server: SqlSchemaServer): SchemaTarget {
  let connected: Promise<SqlConnection> | undefined;
  const connect = async (): Promise<SqlConnection> => {
    connected ??= server.connect();
    try {
      return await connected;
    } catch (error) {
      connected = undefined;
      if (!(error instanceof SqlFailure)) throw error;
      const message = server.isNoDatabase(error)
        ? `${server.name} does not exist: run "antiphon schema create ${server.flags}"`
        : `cannot connect to ${server.name}: ${error.message}`;
      throw new StoreError('Unavailable', message, { cause: error });
    }
  };
  const run = async (...statements: readonly SqlStatement[]): Promise<readonly SqlResult[]> => {
    const connection = await connect();
    try {
      return await connection.run(statements);
    } catch (error) {
      if (!(error instanceof SqlFailure)) throw error;
      throw new StoreError(error.kind === 'lost' ? 'Timeout' : 'Unavailable', `${server.name}: ${error.message}`, {
        cause: error,
      });
    }
  };
  const isAlreadyDone = (error: unknown): boolean =>
    error instanceof StoreError && error.cause instanceof SqlFailure && server.alreadyDone.has(error.cause.code);

  const applyWhole = async ({ version, description, sha256, text }: SchemaVersion, nowMs: number): Promise<void> => {
    try {
      const record = sql(INSERT_VERSION, version, description, sha256, nowMs);
      await run(sql('BEGIN'), adHocSql(text, []), record, sql('COMMIT'));
    } catch (error) {
      await run(sql('ROLLBACK'));
      throw error;
    }
  };

  const applyStepwise = async ({ version, description, sha256, text }: SchemaVersion, nowMs: number): Promise<void> => {
    const [, found] = await run(
      sql(PROGRESS),
      sql('SELECT statement_count AS done FROM schema_progress WHERE version = ?', version),
    );
    const resumedAt = rowOf<{ done: number }>(found)?.done;
    for (const [index, statement] of statementsOf(text).entries()) {
      if (index < (resumedAt ?? 0)) continue;
      try {
        await run(adHocSql(statement, []));
      } catch (error) {
        if (index !== (resumedAt ?? 0) || !isAlreadyDone(error) || resumedAt === undefined) throw error;
      }
      await run(sql('REPLACE INTO schema_progress (version, statement_count) VALUES (?, ?)', version, index + 1));
    }
    await run(sql(INSERT_VERSION, version, description, sha256, nowMs));
    await run(sql('DELETE FROM schema_progress WHERE version = ?', version));
  };

  return {
    schema: server.schema,
    name: server.name,
    flags: server.flags,
    create: async () => {
      try {
        return await server.create();
      } catch (error) {
        if (!(error instanceof SqlFailure)) throw error;
        throw new StoreError('Unavailable', `cannot make ${server.name}: ${error.message}`, { cause: error });
      }
    },
    appliedVersions: async () => {
      try {
        const [found] = await run(server.findTable('schema_versions'));
        if (rowOf(found) === undefined) return undefined;
      } catch (error) {
        if (error instanceof StoreError && server.isNoDatabase(error.cause)) return undefined;
        throw error;
      }
      const text = 'SELECT version, description, sha256, applied_ms FROM schema_versions ORDER BY version';
      const [versions] = await run(sql(text));
      return rowsOf<Omit<AppliedVersion, 'appliedMs'> & { applied_ms: number }>(versions).map(
        ({ applied_ms, ...version }) => ({ ...version, appliedMs: applied_ms }),
      );
    },
    setup: async () => {
      await run(sql(VERSIONS));
    },
    locked: async (use) => {
      const [taken] = await run(server.lock);
      if (required(rowOf<{ locked: number | string }>(taken), 'a lock answers').locked !== 1) {
        throw new StoreError(
          'Unavailable',
          `another tool is changing the schema of ${server.name}: wait until it is done`,
        );
      }
      try {
        return await use();
      } finally {
        // The lock goes with its connection.
        await (await connected)?.end();
        connected = undefined;
      }
    },
    apply: (version, nowMs) => (server.isAtomic ? applyWhole(version, nowMs) : applyStepwise(version, nowMs)),
    close: async () => {
      const open = connected;
      connected = undefined;
      // It may never have come about, which its user heard of.
      await open?.then(
        (connection) => connection.end(),
        () => {},
      );
    },
  };
}
