// The domain port on SQLite.
import { DomainRecord } from '@antiphon/proto/internal';
import { required, StoreError } from '#base';
import { decoded } from '../checksum.ts';
import type { DomainStore } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

interface DomainRow {
  readonly record: Buffer;
}

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    taken: connection.prepare<[string, string]>('SELECT 1 FROM domains WHERE id = ? OR name = ?'),
    version: connection.prepare<[string], number>('SELECT notification_version FROM domains WHERE id = ?').pluck(),
    put: connection.prepare<[string, string, number, Uint8Array]>('INSERT OR REPLACE INTO domains VALUES (?, ?, ?, ?)'),
    byId: connection.prepare<[string], DomainRow>('SELECT record FROM domains WHERE id = ?'),
    byName: connection.prepare<[string], DomainRow>('SELECT record FROM domains WHERE name = ?'),
    all: connection.prepare<[], DomainRow>('SELECT record FROM domains ORDER BY name'),
    remove: connection.prepare<[string]>('DELETE FROM domains WHERE id = ?'),
    nextVersion: connection
      .prepare<[], number>('UPDATE domain_notification SET version = version + 1 RETURNING version')
      .pluck(),
    lastVersion: connection.prepare<[], number>('SELECT version FROM domain_notification').pluck(),
  };
}

export function createSqliteDomains(database: SqliteDatabase): DomainStore {
  const sql = prepareStatements(database);
  const save = (record: DomainRecord): DomainRecord => {
    const { id, name } = required(record.domain, 'a domain record has a domain');
    const notificationVersion = required(sql.nextVersion.get(), 'the notification version has a row');
    const saved = { ...record, notificationVersion };
    sql.put.run(id, name, notificationVersion, DomainRecord.encode(saved).finish());
    return saved;
  };
  return {
    createDomain: (record) =>
      database.write('createDomain', () => {
        const { id, name } = required(record.domain, 'a domain record has a domain');
        if (sql.taken.get(id, name) !== undefined) {
          throw new StoreError('ConditionFailed', `domain ${name} (${id}) exists already`);
        }
        return save(record);
      }),
    updateDomain: (record, expectedNotificationVersion) =>
      database.write('updateDomain', () => {
        const { id, name } = required(record.domain, 'a domain record has a domain');
        const version = sql.version.get(id);
        if (version === undefined || version !== expectedNotificationVersion) {
          const held = version ?? 0;
          throw new StoreError('ConditionFailed', `domain ${name} is at ${held}, not ${expectedNotificationVersion}`);
        }
        return save(record);
      }),
    findDomain: (by) =>
      database.read('findDomain', () => {
        const row = 'id' in by ? sql.byId.get(by.id) : sql.byName.get(by.name);
        return row === undefined ? undefined : decoded(DomainRecord, row.record, 'a domain record');
      }),
    listDomains: () =>
      database.read('listDomains', () =>
        sql.all.all().map((row) => decoded(DomainRecord, row.record, 'a domain record')),
      ),
    deleteDomain: (id) =>
      database.write('deleteDomain', () => {
        if (sql.remove.run(id).changes > 0) sql.nextVersion.get();
      }),
    notificationVersion: () => database.read('notificationVersion', () => sql.lastVersion.get() ?? 0),
  };
}
