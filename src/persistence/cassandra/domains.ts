// The domain port on Cassandra. All domains are one partition, and every change raises its notification version by condition: so the rows
// that were read before are still true when the condition holds. A change that loses against another reads again.
import { DomainRecord } from '@antiphon/proto/internal';
import { required, StoreError } from '#base';
import { type Env, sleep } from '#env';
import { decoded } from '../checksum.ts';
import type { DomainStore } from '../ports.ts';
import { type CassandraSession, type Statement, toBlob, toNumber } from './session.ts';

interface DomainRow {
  readonly record: Buffer;
}

const KIND = { id: 1, name: 2 } as const;
const TRIES = 30;
const RETRY_MS = 20;

const VERSION = 'SELECT notification_version FROM domains WHERE bucket = 0 LIMIT 1';
const RAISE = 'UPDATE domains SET notification_version = ? WHERE bucket = 0 IF notification_version = ?';
const FIND = 'SELECT record FROM domains WHERE bucket = 0 AND kind = ? AND key = ?';
const PUT = 'INSERT INTO domains (bucket, kind, key, record) VALUES (0, ?, ?, ?)';
const REMOVE = 'DELETE FROM domains WHERE bucket = 0 AND kind = ? AND key = ?';
const LIST = `SELECT record FROM domains WHERE bucket = 0 AND kind = ${KIND.name}`;
const DOMAINS_PER_PAGE = 200;

const identityOf = (record: DomainRecord) => required(record.domain, 'a domain record has a domain');

export function createCassandraDomains(session: CassandraSession, env: Env): DomainStore {
  const loadVersion = async (serial: boolean): Promise<number> => {
    type Row = { readonly notification_version: { toNumber(): number } | null };
    const [row] = await session.read<Row>('notificationVersion', VERSION, [], { serial });
    return toNumber(row?.notification_version);
  };
  const find = async (kind: number, key: string): Promise<DomainRecord | undefined> => {
    const [row] = await session.read<DomainRow>('findDomain', FIND, [kind, key]);
    return row === undefined ? undefined : decoded(DomainRecord, row.record, 'a domain record');
  };

  /** `plan` reads, and gives the statements of the change under the next version; none: there is nothing to do. */
  const change = async <T>(
    what: string,
    plan: (nextVersion: number) => Promise<{ readonly statements: readonly Statement[]; readonly result: T }>,
  ): Promise<T> => {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const version = await loadVersion(true);
      const { statements, result } = await plan(version + 1);
      if (statements.length === 0) return result;
      const raise = { query: RAISE, params: [version + 1, version === 0 ? null : version] };
      const { isApplied } = await session.compareAndSet(what, [raise, ...statements]);
      if (isApplied) return result;
      await sleep(env.scheduler, RETRY_MS * env.random.next() * (attempt + 1));
    }
    throw new StoreError('Unavailable', `${what}: too many changes of domains at once`);
  };

  const saving = (record: DomainRecord, notificationVersion: number) => {
    const { id, name } = identityOf(record);
    const saved = { ...record, notificationVersion };
    const blob = toBlob(DomainRecord.encode(saved).finish());
    const statements = [
      { query: PUT, params: [KIND.id, id, blob] },
      { query: PUT, params: [KIND.name, name, blob] },
    ];
    return { statements, result: saved };
  };

  return {
    createDomain: (record) =>
      change('createDomain', async (nextVersion) => {
        const { id, name } = identityOf(record);
        const taken = (await find(KIND.id, id)) ?? (await find(KIND.name, name));
        if (taken !== undefined) throw new StoreError('ConditionFailed', `domain ${name} (${id}) exists already`);
        return saving(record, nextVersion);
      }),
    updateDomain: (record, expectedNotificationVersion) =>
      change('updateDomain', async (nextVersion) => {
        const { id, name } = identityOf(record);
        const stored = await find(KIND.id, id);
        if (stored === undefined || stored.notificationVersion !== expectedNotificationVersion) {
          const held = stored?.notificationVersion ?? 0;
          throw new StoreError('ConditionFailed', `domain ${name} is at ${held}, not ${expectedNotificationVersion}`);
        }
        return saving(record, nextVersion);
      }),
    findDomain: (by) => ('id' in by ? find(KIND.id, by.id) : find(KIND.name, by.name)),
    listDomains: async () => {
      const records: DomainRecord[] = [];
      for await (const page of session.pages<DomainRow>('listDomains', LIST, [], DOMAINS_PER_PAGE)) {
        for (const row of page) records.push(decoded(DomainRecord, row.record, 'a domain record'));
      }
      return records;
    },
    deleteDomain: (id) =>
      change('deleteDomain', async () => {
        const stored = await find(KIND.id, id);
        if (stored === undefined) return { statements: [], result: undefined };
        const { name } = identityOf(stored);
        const statements = [
          { query: REMOVE, params: [KIND.id, id] },
          { query: REMOVE, params: [KIND.name, name] },
        ];
        return { statements, result: undefined };
      }),
    notificationVersion: () => loadVersion(false),
  };
}
