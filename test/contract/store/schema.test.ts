// Schemas of every kind: from empty and from each earlier version to the newest, with data in the store; while it is served; two tools at once; a
// tool that died half-way; texts that changed and versions that go back.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { loadSchemaVersions, type SchemaTarget, type SchemaVersion, type Store } from '#persistence';
import { createCassandraSchemaTarget, createCassandraStore } from '#persistence/cassandra';
import { adHocSql, type SqlStore } from '#persistence/sql';
import { createSqliteSchemaTarget, createSqliteStore } from '#persistence/sqlite';
import { createSchemaTool, schemaVersionsOf } from '#schema';
import { serviceMissing } from '../../support/services.ts';
import { nameTestDatabase, SQL_STORES, serviceOf, type TestDatabase } from '../../support/sql-databases.ts';
import { freshKeyspace } from './cassandra-keyspace.ts';
import { env, temporaryFolder } from './drivers.ts';
import { bytes, emptyCommit, execution, runKey, textOf } from './rows.ts';

const FIRST_START_MS = 600_000;
const SHARD = 1;

let folder: { path: string; remove(): void };
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** A later release: this one's versions and these texts, as a folder that a tool is given. */
function laterRelease(schema: string, texts: readonly string[], name = 'later'): string {
  const own = loadSchemaVersions(schema);
  const versions = [...own.map(({ text }) => text), ...texts];
  const path = join(folder.path, name);
  mkdirSync(path, { recursive: true });
  const listed = versions.map((text, index) => {
    writeFileSync(join(path, `${index + 1}.sql`), text);
    const description = own[index]?.description ?? 'of a later release';
    return { version: index + 1, description, files: [`${index + 1}.sql`] };
  });
  writeFileSync(join(path, 'manifest.json'), JSON.stringify({ driver: schema, versions: listed }));
  return path;
}

/** Commits run after run while `update` goes on and some more after it, then reads all of them. */
async function serveDuring(store: Store, update: () => Promise<void>): Promise<void> {
  const { rangeId } = await store.shards.acquireShard(SHARD, 'a', 1);
  const ids: string[] = [];
  let isDone = false;
  const serving = (async () => {
    while (!isDone) {
      const id = `w${ids.length}`;
      await store.shards.commit(SHARD, rangeId, { ...emptyCommit, executions: [execution(id)] });
      ids.push(id);
    }
  })();
  await update();
  const updatedAt = ids.length;
  await expect.poll(() => ids.length).toBeGreaterThan(updatedAt + 3);
  isDone = true;
  await serving;
  for (const id of ids) {
    expect(textOf((await store.shards.loadExecution(SHARD, runKey(id)))?.record)).toBe(`record of ${id}`);
  }
}

const numbersOf = (versions: readonly SchemaVersion[]): readonly number[] => versions.map(({ version }) => version);

describe('the schema of SQLite', () => {
  const versions = loadSchemaVersions('sqlite');
  const path = (): string => join(folder.path, 'store.db');

  it.each(versions.slice(0, -1).map(({ version }) => version))(
    'goes from version %i to the newest with what is in the store',
    async (version) => {
      const target = createSqliteSchemaTarget(path(), env);
      const tool = createSchemaTool(target, env);
      expect(await tool.setup({ toVersion: version })).toHaveLength(version);
      // Written in the terms of version 1, which every later one has.
      const raw = new Database(path());
      raw.exec(`INSERT INTO shards VALUES (${SHARD}, 7, x'');
        INSERT INTO key_values VALUES ('b', 'k', 3, CAST('kept' AS BLOB));
        INSERT INTO task_lists (domain_id, name, type, kind, range_id, ack_level, updated_ms) VALUES ('d', 'l', 1, 1, 4, 0, 1);
        INSERT INTO backlog_tasks VALUES (1, 9, 'w', 'r', 5, 1, 1, 0, 3, '')`);
      raw.close();
      expect(numbersOf(await tool.update())).toEqual(numbersOf(versions).slice(version));
      const store = createSqliteStore({ path: path() }, env);
      expect(textOf((await store.keyValues.get('b', 'k'))?.value)).toBe('kept');
      expect((await store.shards.acquireShard(SHARD, 'a', 1)).rangeId).toBe(8);
      const list = { domainId: 'd', name: 'l', type: 1 };
      expect((await store.taskLists.loadTasks(list, 0, 10)).map(({ taskId }) => taskId)).toEqual([9]);
      await store.audit.list(
        { operation: '', domain: '', principal: '', outcome: '', earliestMs: 0, latestMs: 1 },
        9,
        9,
      );
      await store.close();
    },
  );

  it('names the whole command to a store that is opened without it', async () => {
    const open = () => createSqliteStore({ path: path(), schema: 'require' }, env);
    expect(open).toThrowError(`run "antiphon schema setup --store sqlite --path ${path()}"`);
    await createSchemaTool(createSqliteSchemaTarget(path(), env), env).setup({ toVersion: 1 });
    expect(open).toThrowError(`run "antiphon schema update --store sqlite --path ${path()}"`);
  });
});

describe.each(SQL_STORES)('the schema of %s', (name) => {
  const isMissing = serviceMissing(serviceOf(name)) !== undefined;
  let database: TestDatabase;
  let targets: SchemaTarget[];
  let stores: Store[];
  beforeEach(async () => {
    targets = [];
    stores = [];
    if (!isMissing) database = await nameTestDatabase(name);
  }, FIRST_START_MS);
  afterEach(async () => {
    for (const open of [...targets, ...stores]) await open.close();
    if (!isMissing) await database.drop();
  });
  const target = (): SchemaTarget => {
    const made = database.target();
    targets.push(made);
    return made;
  };
  const tool = (schemaFolder?: string) => {
    const place = target();
    return createSchemaTool(place, env, schemaVersionsOf(place, schemaFolder));
  };
  const openStore = async (): Promise<SqlStore> => {
    const store = await database.open(env);
    stores.push(store);
    return store;
  };

  it.skipIf(isMissing)('is set up from nothing, and as Cadence does it, from version 0.0', async () => {
    await expect(database.open(env)).rejects.toThrow(/run "antiphon schema setup --store .* --db antiphon_test_/);
    await expect(tool().setup()).rejects.toThrow(/does not exist: run "antiphon schema create --store /);
    expect(await target().create?.()).toBe(true);
    expect(await target().create?.()).toBe(false);
    await expect(tool().update()).rejects.toThrow(/was never set up: run "antiphon schema setup /);
    expect(await tool().setup({ toVersion: 0 })).toEqual([]);
    await expect(database.open(env)).rejects.toThrow(/lacks schema version 1: run "antiphon schema update --store /);
    const known = numbersOf(loadSchemaVersions(name));
    expect(numbersOf(await tool().update({ dryRun: true }))).toEqual(known);
    expect(await tool().status()).toMatchObject({ isSetUp: true, currentVersion: 0, latestVersion: known.length });
    expect(numbersOf(await tool().update())).toEqual(known);
    expect(await tool().update()).toEqual([]);
    await expect(tool().setup()).rejects.toThrow(/has schema version \d+ already/);
    await expect(tool().update({ toVersion: 0 })).rejects.toThrow(/none goes back to 0/);
    await openStore();
  });

  it.skipIf(isMissing)('is updated while the store is served, and nothing is lost', async () => {
    await target().create?.();
    await tool().setup();
    const store = await openStore();
    const later = laterRelease(name, [
      `ALTER TABLE executions ADD COLUMN note ${name === 'postgres' ? 'text' : 'LONGTEXT'};\nCREATE INDEX executions_by_run ON executions (run_id);`,
    ]);
    const newest = loadSchemaVersions(name).length + 1;
    await serveDuring(store, async () => {
      expect(numbersOf(await tool(later).update())).toEqual([newest]);
    });
    // This release does not know what a later one did, and says so.
    await expect(database.open(env)).rejects.toThrow(`schema version ${newest}, this release knows ${newest - 1}`);
    expect((await tool().status()).versions.at(-1)).toMatchObject({ version: newest, state: 'unknown' });
    const changed = laterRelease(name, ['ALTER TABLE executions ADD COLUMN other BIGINT;'], 'changed');
    await expect(tool(changed).update()).rejects.toThrow(/is not this release's/);
  });

  it.skipIf(isMissing)('is changed by one tool at a time', async () => {
    await target().create?.();
    const first = target();
    await first.locked(async () => {
      await expect(tool().setup()).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    });
    const outcomes = await Promise.allSettled([tool().setup(), tool().setup()]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await tool().status()).currentVersion).toBe(loadSchemaVersions(name).length);
  });

  it.skipIf(isMissing)('is whole after a version that failed half-way, once it is tried again', async () => {
    await target().create?.();
    await tool().setup();
    const store = await openStore();
    await store.keyValues.put('b', 'k', bytes('kept'), 0);
    const newest = loadSchemaVersions(name).length + 1;
    const good = ['CREATE TABLE later_one (id BIGINT PRIMARY KEY);', 'CREATE TABLE later_two (id BIGINT PRIMARY KEY);'];
    const failing = laterRelease(name, [`${good[0]}\nCREATE TABLE later_one_more (id NO_SUCH_TYPE);`], 'failing');
    await expect(tool(failing).update()).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    expect((await tool().status()).currentVersion).toBe(newest - 1);
    // As if the tool had died after a statement and before it wrote down that it was done.
    if (name === 'mysql')
      await store.database.write('by hand', adHocSql('CREATE TABLE later_two (id BIGINT PRIMARY KEY)', []));
    const mended = laterRelease(name, [good.join('\n')], 'mended');
    expect(numbersOf(await tool(mended).update())).toEqual([newest]);
    const tables = ['later_one', 'later_two'].map((table) => adHocSql(`SELECT count(*) AS n FROM ${table}`, []));
    expect((await store.database.read('tables', tables)).map(({ rows }) => rows[0]?.n)).toEqual([0, 0]);
    expect(textOf((await store.keyValues.get('b', 'k'))?.value)).toBe('kept');
  });

  it.skipIf(isMissing)('is not that of another store', async () => {
    const other = laterRelease(name === 'postgres' ? 'mysql' : 'postgres', []);
    expect(() => tool(other)).toThrow(/is the schema of \w+, and not of \w+/);
    expect(() => tool(folder.path)).toThrow(/has no manifest.json/);
  });
});

describe.skipIf(serviceMissing('cassandra') !== undefined)('the schema of cassandra', () => {
  const freshHistory = freshKeyspace('history', env);

  it(
    'is updated while the store is served, and nothing is lost',
    async () => {
      const options = await freshHistory();
      const store = await createCassandraStore(options, env);
      const target = createCassandraSchemaTarget(options, env);
      const tool = (schemaFolder?: string) => createSchemaTool(target, env, schemaVersionsOf(target, schemaFolder));
      const later = laterRelease('cassandra/history', [
        'ALTER TABLE shard_rows ADD note text;\nALTER TABLE history ADD note text;\nCREATE TABLE IF NOT EXISTS notes (id text PRIMARY KEY);',
      ]);
      const newest = loadSchemaVersions('cassandra/history').length + 1;
      await serveDuring(store, async () => {
        expect(numbersOf(await tool(later).update())).toEqual([newest]);
      });
      await expect(createCassandraStore(options, env)).rejects.toThrow(
        `schema version ${newest}, this release knows ${newest - 1}`,
      );
      expect((await tool().status()).versions.at(-1)).toMatchObject({ version: newest, state: 'unknown' });
      expect(() => tool(laterRelease('cassandra/visibility', [], 'other'))).toThrow(
        /is the schema of cassandra\/visib/,
      );
      await Promise.all([store.close(), target.close()]);
    },
    FIRST_START_MS,
  );

  it('has folders of its own that the tool takes', () => {
    for (const part of ['history', 'visibility'] as const) {
      const options = {
        contactPoints: ['127.0.0.1:1'],
        localDataCenter: 'dc1',
        keyspace: 'k',
        part,
        replicas: { dc1: 1 },
      };
      const target = createCassandraSchemaTarget(options, env);
      expect(schemaVersionsOf(target, `schema/cassandra/${part}/v1`)).toEqual(loadSchemaVersions(`cassandra/${part}`));
    }
  });
});
