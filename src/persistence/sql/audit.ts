// The audit port on SQL.
import { required } from '#base';
import type { AuditStore, StoredAuditEntry } from '../ports.ts';
import type { SqlDatabase } from './database.ts';
import { rowsOf, sql } from './statement.ts';

interface AuditRow extends Omit<StoredAuditEntry, 'id' | 'timeMs' | 'callerName' | 'before' | 'after'> {
  readonly audit_id: number;
  readonly time_ms: number;
  readonly caller_name: string;
  readonly before_state: string;
  readonly after_state: string;
}

const COLUMNS = `time_ms, principal, caller_name, peer, operation, domain, request, before_state, after_state, outcome, message`;

function entryOf(row: AuditRow): StoredAuditEntry {
  const { audit_id, time_ms, caller_name, before_state, after_state, ...rest } = row;
  return { ...rest, id: audit_id, timeMs: time_ms, callerName: caller_name, before: before_state, after: after_state };
}

export function createSqlAudit(database: SqlDatabase): AuditStore {
  const insert = `INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)${database.dialect.returningId('audit_id')}`;
  return {
    append: async (entry) => {
      const { timeMs, principal, callerName, peer, operation, domain, request, before, after, outcome, message } =
        entry;
      const who = [timeMs, principal, callerName, peer, operation, domain];
      const result = await database.write('append', sql(insert, ...who, request, before, after, outcome, message));
      return required(result.insertedId, 'an insert returns its id');
    },
    finish: async (id, { before, after, outcome, message }) => {
      const text = 'UPDATE audit SET before_state = ?, after_state = ?, outcome = ?, message = ? WHERE audit_id = ?';
      await database.write('finish', sql(text, before, after, outcome, message, id));
    },
    list: async (filter, beforeId, limit) => {
      const conditions = ['audit_id < ?', 'time_ms >= ?', 'time_ms <= ?'];
      const values: (string | number)[] = [beforeId, filter.earliestMs, filter.latestMs];
      for (const field of ['operation', 'domain', 'principal', 'outcome'] as const) {
        if (filter[field] === '') continue;
        conditions.push(`${field} = ?`);
        values.push(filter[field]);
      }
      const text = `SELECT audit_id, ${COLUMNS} FROM audit WHERE ${conditions.join(' AND ')} ORDER BY audit_id DESC LIMIT ?`;
      const [result] = await database.read('list', [sql(text, ...values, limit)]);
      return rowsOf<AuditRow>(result).map(entryOf);
    },
    trim: async ({ beforeMs, countMax }) => {
      const byTime = await database.write('trim', sql('DELETE FROM audit WHERE time_ms < ?', beforeMs));
      const newest = sql('SELECT max(audit_id) AS newest FROM audit');
      const [found] = await database.read('trim', [newest]);
      const id = rowsOf<{ newest: number | null }>(found)[0]?.newest ?? 0;
      const byCount = await database.write('trim', sql('DELETE FROM audit WHERE audit_id <= ?', id - countMax));
      return byTime.changes + byCount.changes;
    },
  };
}
