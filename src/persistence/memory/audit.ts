// The audit port in memory.
import type { AuditFilter, AuditStore, StoredAuditEntry } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import type { MemoryImage } from './image.ts';

const fits = (entry: StoredAuditEntry, { earliestMs, latestMs, ...texts }: AuditFilter): boolean =>
  entry.timeMs >= earliestMs &&
  entry.timeMs <= latestMs &&
  (['operation', 'domain', 'principal', 'outcome'] as const).every(
    (key) => texts[key] === '' || texts[key] === entry[key],
  );

export function createMemoryAudit({ audit }: MemoryImage, access: MemoryAccess): AuditStore {
  return {
    append: (entry) =>
      access.write(() => {
        const id = ++audit.lastId;
        audit.entries.set(id, { ...entry, id });
        return id;
      }),
    finish: (id, result) =>
      access.write(() => {
        const entry = audit.entries.get(id);
        if (entry !== undefined) audit.entries.set(id, { ...entry, ...result });
      }),
    list: (filter, beforeId, limit) =>
      access.read(() =>
        [...audit.entries.values()]
          .filter((entry) => entry.id < beforeId && fits(entry, filter))
          .reverse()
          .slice(0, limit),
      ),
    trim: ({ beforeMs, countMax }) =>
      access.write(() => {
        let trimmed = 0;
        for (const { id, timeMs } of [...audit.entries.values()]) {
          if (timeMs >= beforeMs && id > audit.lastId - countMax) continue;
          audit.entries.delete(id);
          trimmed++;
        }
        return trimmed;
      }),
  };
}
