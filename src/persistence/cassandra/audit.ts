// The audit port on Cassandra: a log of its own, an entry's offset is its id. Entries are trimmed in the order of their ids; one that has an
// older time than the one before it waits for that.
import { StoreError } from '#base';
import type { AuditEntry, AuditFilter, AuditStore, LogEntry, StoredAuditEntry } from '../ports.ts';
import type { CassandraLog } from './log.ts';

/** No other log has a name with it. */
const TOPIC = '\u0001audit';
const PARTITION = 0;
const PAGE = 200;

const encode = (entry: AuditEntry): Uint8Array => Buffer.from(JSON.stringify(entry));

function entryOf({ offset, value }: LogEntry): StoredAuditEntry {
  try {
    // This driver wrote it.
    return { ...(JSON.parse(Buffer.from(value).toString()) as AuditEntry), id: offset };
  } catch (error) {
    throw new StoreError('Corrupt', `undecodable audit entry ${offset}`, { cause: error });
  }
}

/** An empty text stands for any value. */
const matches = (entry: AuditEntry, filter: AuditFilter): boolean =>
  entry.timeMs >= filter.earliestMs &&
  entry.timeMs <= filter.latestMs &&
  (['operation', 'domain', 'principal', 'outcome'] as const).every(
    (field) => filter[field] === '' || filter[field] === entry[field],
  );

export function createCassandraAudit(log: CassandraLog): AuditStore {
  return {
    append: (entry) =>
      log.append(TOPIC, PARTITION, [{ key: entry.operation, value: encode(entry), timeMs: entry.timeMs }]),
    finish: async (id, { before, after, outcome, message }) => {
      const [stored] = await log.readBack(TOPIC, PARTITION, id + 1, 1);
      if (stored?.offset !== id) return;
      const { id: _, ...entry } = entryOf(stored);
      await log.replace(TOPIC, PARTITION, id, encode({ ...entry, before, after, outcome, message }));
    },
    list: async (filter, beforeId, limit) => {
      const found: StoredAuditEntry[] = [];
      for (let before = beforeId; found.length < limit; ) {
        const page = await log.readBack(TOPIC, PARTITION, before, PAGE);
        for (const entry of page.map(entryOf)) {
          if (found.length < limit && matches(entry, filter)) found.push(entry);
        }
        const last = page.at(-1);
        if (last === undefined) break;
        before = last.offset;
      }
      return found;
    },
    trim: async ({ beforeMs, countMax }) => {
      const trimmed = await log.trimmedOffset(TOPIC, PARTITION);
      let target = Math.max(trimmed, (await log.lastOffset(TOPIC, PARTITION)) - countMax);
      for (;;) {
        const page = await log.read(TOPIC, PARTITION, target, PAGE);
        const firstKept = page.findIndex(({ timeMs }) => timeMs >= beforeMs);
        const gone = firstKept < 0 ? page.length : firstKept;
        target += gone;
        if (gone < PAGE) break;
      }
      await log.trim(TOPIC, PARTITION, target);
      return target - trimmed;
    },
  };
}
