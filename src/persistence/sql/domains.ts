// The domain port on SQL. The one row of the notification version is what changes of domains wait for each other at.
import { DomainRecord } from '@antiphon/proto/internal';
import { required, StoreError } from '#base';
import { decoded } from '../checksum.ts';
import type { DomainStore } from '../ports.ts';
import { boundedKey } from './bounded-key.ts';
import type { SqlDatabase } from './database.ts';
import { rowOf, rowsOf, type SqlResult, sql } from './statement.ts';

const TABLE = {
  name: 'domains',
  columns: { id: 'text', name_key: 'text', notification_version: 'integer', record: 'bytes' },
  key: ['id'],
} as const;

interface RecordRow {
  readonly record: Uint8Array;
}

const LOCK = sql('SELECT version FROM domain_notification WHERE id = 1 FOR UPDATE');
const SAVE_VERSION = 'UPDATE domain_notification SET version = ? WHERE id = 1';

const nextVersion = (result: SqlResult | undefined): number =>
  required(rowOf<{ version: number }>(result), 'the notification version has a row').version + 1;

const recordOf = ({ record }: RecordRow): DomainRecord => decoded(DomainRecord, record, 'a domain record');

export function createSqlDomains(database: SqlDatabase): DomainStore {
  const identity = (record: DomainRecord) => required(record.domain, 'a domain record has a domain');
  const save = (record: DomainRecord, notificationVersion: number, onConflict: 'fail' | 'replace') => {
    const { id, name } = identity(record);
    const saved = { ...record, notificationVersion };
    const row = [id, boundedKey(name), notificationVersion, DomainRecord.encode(saved).finish()];
    const writes = [...database.dialect.insert(TABLE, [row], onConflict), sql(SAVE_VERSION, notificationVersion)];
    return { writes, value: saved };
  };
  return {
    createDomain: (record) => {
      const { id, name } = identity(record);
      return database.transact('createDomain', {
        first: [
          LOCK,
          sql('SELECT id FROM domains WHERE id = ?', id),
          sql('SELECT id FROM domains WHERE name_key = ?', boundedKey(name)),
        ],
        decide: ([lock, byId, byName]) => {
          if (rowOf(byId) !== undefined || rowOf(byName) !== undefined) {
            throw new StoreError('ConditionFailed', `domain ${name} (${id}) exists already`);
          }
          return save(record, nextVersion(lock), 'fail');
        },
      });
    },
    updateDomain: (record, expectedNotificationVersion) => {
      const { id, name } = identity(record);
      return database.transact('updateDomain', {
        first: [LOCK, sql('SELECT notification_version FROM domains WHERE id = ?', id)],
        decide: ([lock, found]) => {
          const held = rowOf<{ notification_version: number }>(found)?.notification_version;
          if (held === undefined || held !== expectedNotificationVersion) {
            const message = `domain ${name} is at ${held ?? 0}, not ${expectedNotificationVersion}`;
            throw new StoreError('ConditionFailed', message);
          }
          return save(record, nextVersion(lock), 'replace');
        },
      });
    },
    findDomain: async (by) => {
      const statement =
        'id' in by
          ? sql('SELECT record FROM domains WHERE id = ?', by.id)
          : sql('SELECT record FROM domains WHERE name_key = ?', boundedKey(by.name));
      const row = rowOf<RecordRow>((await database.read('findDomain', [statement]))[0]);
      return row && recordOf(row);
    },
    listDomains: async () => {
      const [result] = await database.read('listDomains', [sql('SELECT record FROM domains ORDER BY name_key')]);
      return rowsOf<RecordRow>(result).map(recordOf);
    },
    deleteDomain: (id) =>
      database.transact('deleteDomain', {
        first: [LOCK, sql('SELECT id FROM domains WHERE id = ?', id)],
        decide: ([lock, found]) => ({
          writes:
            rowOf(found) === undefined
              ? []
              : [sql('DELETE FROM domains WHERE id = ?', id), sql(SAVE_VERSION, nextVersion(lock))],
          value: undefined,
        }),
      }),
    notificationVersion: async () => {
      const statement = sql('SELECT version FROM domain_notification WHERE id = 1');
      const [result] = await database.read('notificationVersion', [statement]);
      return rowOf<{ version: number }>(result)?.version ?? 0;
    },
  };
}
