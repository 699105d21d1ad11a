// The audit port on SQLite.
import { required } from '#base';
import type { AuditEntry, AuditStore, StoredAuditEntry } from '../ports.ts';
import type { SqliteDatabase } from './database.ts';

const COLUMNS = `audit_id AS id, time_ms AS timeMs, principal, caller_name AS callerName, peer, operation, domain, request, before,
  after, outcome, message`;

type Values = [number, string, string, string, string, string, string, string, string, string, string];

const valuesOf = (entry: AuditEntry): Values => [
  entry.timeMs,
  entry.principal,
  entry.callerName,
  entry.peer,
  entry.operation,
  entry.domain,
  entry.request,
  entry.before,
  entry.after,
  entry.outcome,
  entry.message,
];

function prepareStatements({ connection }: SqliteDatabase) {
  return {
    append: connection
      .prepare<Values, number>(
        `INSERT INTO audit (time_ms, principal, caller_name, peer, operation, domain, request, before, after, outcome, message)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING audit_id`,
      )
      .pluck(),
    finish: connection.prepare<[string, string, string, string, number]>(
      'UPDATE audit SET before = ?, after = ?, outcome = ?, message = ? WHERE audit_id = ?',
    ),
    // An empty text stands for any value.
    list: connection.prepare<Record<string, string | number>, StoredAuditEntry>(
      `SELECT ${COLUMNS} FROM audit
       WHERE audit_id < @beforeId AND time_ms >= @earliestMs AND time_ms <= @latestMs
         AND (@operation = '' OR operation = @operation) AND (@domain = '' OR domain = @domain)
         AND (@principal = '' OR principal = @principal) AND (@outcome = '' OR outcome = @outcome)
       ORDER BY audit_id DESC LIMIT @limit`,
    ),
    trimByTime: connection.prepare<[number]>('DELETE FROM audit WHERE time_ms < ?'),
    trimByCount: connection.prepare<[number]>(
      'DELETE FROM audit WHERE audit_id <= (SELECT max(audit_id) FROM audit) - ?',
    ),
  };
}

export function createSqliteAudit(database: SqliteDatabase): AuditStore {
  const sql = prepareStatements(database);
  return {
    append: (entry) =>
      database.write('append', () => required(sql.append.get(...valuesOf(entry)), 'an insert returns its id')),
    finish: (id, { before, after, outcome, message }) =>
      database.write('finish', () => {
        sql.finish.run(before, after, outcome, message, id);
      }),
    list: (filter, beforeId, limit) => database.read('list', () => sql.list.all({ ...filter, beforeId, limit })),
    trim: ({ beforeMs, countMax }) =>
      database.write('trim', () => sql.trimByTime.run(beforeMs).changes + sql.trimByCount.run(countMax).changes),
  };
}
