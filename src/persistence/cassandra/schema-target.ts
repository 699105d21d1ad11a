// The schema of a keyspace, for the schema tool. Cassandra changes its schema one statement at a time and nothing is undone: so the statements
// of a version can be run again, and the version's row is written last. The lock is a static column of the table of versions.
import os from 'node:os';
import { StoreError } from '#base';
import type { Env } from '#env';
import type { SchemaVersion } from '../schema-files.ts';
import type { AppliedVersion, SchemaTarget } from '../schema-target.ts';
import { type CassandraOptions, type CassandraSession, openCassandraSession, toNumber } from './session.ts';

type Long = { toNumber(): number };

export interface CassandraSchemaOptions extends CassandraOptions {
  readonly keyspace: string;
  /** What the keyspace holds. */
  readonly part: 'history' | 'visibility';
  /** Copies per data center, for the making of the keyspace. */
  readonly replicas?: Readonly<Record<string, number>> | undefined;
}

interface LockRow {
  readonly lock_owner: string | null;
  readonly locked_ms: Long | null;
}

/** After it a lock is taken for that of a tool that died. */
const LOCK_MS = 10 * 60_000;

const NAME = /^[a-z][a-z0-9_]{0,47}$/;

/** Flags of `antiphon schema` that lead to the keyspace. */
const flagsOf = ({ contactPoints, keyspace }: CassandraSchemaOptions): string =>
  `--store cassandra --ep ${contactPoints.join(',')} --keyspace ${keyspace}`;

export const statementsOf = (text: string): readonly string[] =>
  text
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');

export function createCassandraSchemaTarget(options: CassandraSchemaOptions, env: Env): SchemaTarget {
  const { keyspace, part } = options;
  if (!NAME.test(keyspace)) {
    const rule = 'a lower-case letter, then letters, digits or _, at most 48';
    throw new StoreError('ConditionFailed', `${JSON.stringify(keyspace)} is no name of a keyspace: ${rule}`);
  }
  const { keyspace: _, ...withoutKeyspace } = options;
  const table = `${keyspace}.schema_versions`;
  const owner = `${os.hostname()}:${process.pid}:${env.random.uuid().slice(0, 8)}`;
  let opened: Promise<CassandraSession> | undefined;
  let isLocked = false;
  const connect = (): Promise<CassandraSession> => {
    opened ??= openCassandraSession(withoutKeyspace, env);
    return opened;
  };

  const isThere = async (query: string, names: string[]): Promise<boolean> =>
    (await (await connect()).read('schema', query, names)).length > 0;
  const hasKeyspace = (): Promise<boolean> =>
    isThere('SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?', [keyspace]);
  const hasTable = (): Promise<boolean> =>
    isThere('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?', [
      keyspace,
      'schema_versions',
    ]);

  const lock = async (): Promise<void> => {
    const session = await connect();
    const nowMs = env.clock.nowMs();
    const set = `UPDATE ${table} SET lock_owner = ?, locked_ms = ? WHERE part = ?`;
    const free = { query: `${set} IF lock_owner = null`, params: [owner, nowMs, part] };
    const { isApplied } = await session.compareAndSet('lock the schema', [free]);
    if (!isApplied) {
      const query = `SELECT lock_owner, locked_ms FROM ${table} WHERE part = ?`;
      const [row] = await session.read<LockRow>('lock the schema', query, [part], { serial: true });
      const sinceMs = toNumber(row?.locked_ms);
      const isStale = row?.lock_owner != null && nowMs - sinceMs > LOCK_MS;
      const stolen =
        isStale &&
        (
          await session.compareAndSet('lock the schema', [
            {
              query: `${set} IF lock_owner = ? AND locked_ms = ?`,
              params: [owner, nowMs, part, row.lock_owner, sinceMs],
            },
          ])
        ).isApplied;
      if (!stolen) {
        const who = `${row?.lock_owner ?? 'another tool'} changes the schema of keyspace ${keyspace}`;
        throw new StoreError('Unavailable', `${who}; a lock of a dead tool ends after ${LOCK_MS / 60_000} minutes`);
      }
    }
    isLocked = true;
  };
  const unlock = async (): Promise<void> => {
    if (!isLocked) return;
    isLocked = false;
    const query = `UPDATE ${table} SET lock_owner = null, locked_ms = null WHERE part = ? IF lock_owner = ?`;
    await (await connect()).compareAndSet('unlock the schema', [{ query, params: [part, owner] }]);
  };

  return {
    schema: `cassandra/${part}`,
    name: `the Cassandra keyspace ${keyspace}`,
    flags: flagsOf(options),
    appliedVersions: async () => {
      if (!(await hasTable())) return undefined;
      type Row = { version: number | null; description: string; sha256: string; applied_ms: Long };
      const query = `SELECT version, description, sha256, applied_ms FROM ${table} WHERE part = ?`;
      const rows = await (await connect()).read<Row>('schema versions', query, [part], { serial: true });
      return rows.flatMap(({ version, description, sha256, applied_ms }): AppliedVersion[] =>
        version === null ? [] : [{ version, description, sha256, appliedMs: toNumber(applied_ms) }],
      );
    },
    create: async () => {
      if (await hasKeyspace()) return false;
      const copies = Object.entries(options.replicas ?? { [options.localDataCenter]: 3 });
      const map = copies.map(([dataCenter, count]) => `'${dataCenter.replaceAll("'", "''")}': ${Math.trunc(count)}`);
      const replication = `{'class': 'NetworkTopologyStrategy', ${map.join(', ')}}`;
      const query = `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = ${replication}`;
      await (await connect()).define('create the keyspace', query);
      return true;
    },
    setup: async () => {
      if (!(await hasKeyspace())) {
        const message = `there is no keyspace ${keyspace}: run "antiphon schema create ${flagsOf(options)}"`;
        throw new StoreError('Unavailable', message);
      }
      const columns = `part text, version int, lock_owner text static, locked_ms bigint static, description text, sha256 text,
        applied_ms bigint, PRIMARY KEY (part, version)`;
      await (await connect()).define('set up the schema', `CREATE TABLE IF NOT EXISTS ${table} (${columns})`);
      // The table was not there to be locked before.
      if (!isLocked) await lock();
    },
    locked: async (use) => {
      try {
        if (await hasTable()) await lock();
        return await use();
      } finally {
        await unlock();
      }
    },
    apply: async ({ version, description, sha256, text }: SchemaVersion, nowMs) => {
      const session = await connect();
      for (const statement of statementsOf(text)) {
        await session.define(`schema version ${version}`, inKeyspace(statement, keyspace));
      }
      const query = `INSERT INTO ${table} (part, version, description, sha256, applied_ms) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS`;
      const params = [part, version, description, sha256, nowMs];
      await session.compareAndSet('schema version', [{ query, params }]);
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

const TABLE_OF = /^((?:CREATE|ALTER) (?:TABLE|INDEX)(?: IF NOT EXISTS)?) (\w+)/i;

/** The statement with its table's keyspace: the session has none, since the tool makes the keyspace itself. */
function inKeyspace(statement: string, keyspace: string): string {
  const qualified = statement.replace(TABLE_OF, `$1 ${keyspace}.$2`);
  if (qualified === statement) {
    throw new StoreError('ConditionFailed', `the schema tool cannot run this statement: ${statement.slice(0, 100)}`);
  }
  return qualified;
}
