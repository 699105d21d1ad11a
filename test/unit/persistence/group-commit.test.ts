// Group commit: one transaction a turn, each write for itself, honest outcomes.
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { createRealEnv } from '#env';
import { openSqliteDatabase, type SqliteDatabase } from '#persistence/sqlite';
import { temporaryFolder } from '../../contract/store/drivers.ts';

let folder: { path: string; remove(): void };
let database: SqliteDatabase;
let transactions: number;
const path = (): string => `${folder.path}/store.db`;

beforeEach(() => {
  folder = temporaryFolder();
  transactions = 0;
  const env = createRealEnv({
    metrics: {
      counter: () => ({ inc: () => {} }),
      gauge: () => ({ set: () => {} }),
      histogram: (name) => ({ observe: () => (transactions += name === 'store_group_size' ? 1 : 0) }),
    },
  });
  database = openSqliteDatabase({ path: path(), busyTimeoutMs: 20 }, env);
  database.connection.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED) STRICT`);
});
afterEach(() => {
  database.close();
  folder.remove();
});

const run = (sql: string) => () => {
  database.connection.exec(sql);
};
const insert = (id: number) => database.write('insert', run(`INSERT INTO parents VALUES (${id})`));
const ids = (): unknown[] => database.connection.prepare('SELECT id FROM parents ORDER BY id').pluck().all();

describe('group commit', () => {
  it('puts the writes of one turn into one transaction', async () => {
    await Promise.all([insert(1), insert(2), insert(3)]);
    expect(transactions).toBe(1);
    await insert(4);
    expect(transactions).toBe(2);
    expect(ids()).toEqual([1, 2, 3, 4]);
  });

  it('undoes a failed write alone, and passes an error that is not the store’s as it is', async () => {
    let undone = 0;
    database.onUndo(() => undone++);
    const broken = database.write('broken', () => {
      run('INSERT INTO parents VALUES (9)')();
      throw new RangeError('a bug');
    });
    const outcomes = await Promise.allSettled([insert(1), broken, insert(1), insert(2)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'RangeError' } });
    expect(outcomes[2]).toMatchObject({ reason: { kind: 'ConditionFailed' } });
    expect(ids()).toEqual([1, 2]);
    // The group once, and each that failed.
    expect(undone).toBe(3);
  });

  it('applies the others of a group again when one has failed, in their order', async () => {
    const applied: number[] = [];
    const write = (id: number) =>
      database.write('write', () => {
        applied.push(id);
        run(`INSERT INTO parents VALUES (${id})`)();
        return id;
      });
    const bug = () => {
      throw new RangeError('a bug');
    };
    const outcomes = await Promise.allSettled([write(1), database.write('broken', bug), write(2)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(applied).toEqual([1, 1, 2]);
    expect(ids()).toEqual([1, 2]);
    expect(transactions).toBe(1);
  });

  it('reports an error of COMMIT itself as an unknown outcome to every write of the group, and goes on', async () => {
    database.connection.pragma('foreign_keys = ON');
    const orphan = database.write('orphan', run('INSERT INTO children VALUES (77)'));
    const outcomes = await Promise.allSettled([insert(1), orphan]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'Timeout' } });
    await insert(2);
    expect(ids()).toEqual([2]);
  });

  it('refuses certainly while another connection holds the write lock, and goes on after', async () => {
    const other = new Database(path());
    other.exec('BEGIN IMMEDIATE');
    await expect(insert(1)).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    other.exec('ROLLBACK');
    other.close();
    await insert(2);
    expect(ids()).toEqual([2]);
  });

  it('shows a write to readers only once it is committed', async () => {
    const other = new Database(path(), { readonly: true });
    const count = other.prepare('SELECT count(*) FROM parents').pluck();
    const pending = insert(1);
    expect(count.get()).toBe(0);
    await pending;
    expect(count.get()).toBe(1);
    other.close();
  });
});
