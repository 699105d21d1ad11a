// The log port in memory.
import type { LogStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import { keyOf, type LogRows, type MemoryImage } from './image.ts';
import { SortedRows } from './sorted-rows.ts';

export function createMemoryLog(image: MemoryImage, access: MemoryAccess): LogStore {
  const find = (topic: string, partition: number): LogRows =>
    image.logs.get(keyOf(topic, partition)) ?? {
      lastOffset: 0,
      entries: new SortedRows((a, b) => a.offset - b.offset),
    };
  return {
    append: (topic, partition, entries) =>
      access.write(() => {
        const log = find(topic, partition);
        image.logs.set(keyOf(topic, partition), log);
        for (const entry of entries) log.entries.put({ ...entry, offset: ++log.lastOffset });
        return log.lastOffset;
      }),
    read: (topic, partition, afterOffset, limit) =>
      access.read(() =>
        find(topic, partition).entries.read(
          (entry) => entry.offset - afterOffset - 1,
          () => true,
          limit,
        ),
      ),
    trim: (topic, partition, offset) =>
      access.write(() => find(topic, partition).entries.deleteBefore((entry) => entry.offset - offset - 1)),
    lastOffset: (topic, partition) => access.read(() => find(topic, partition).lastOffset),
    saveOffset: (consumer, topic, partition, offset) =>
      access.write(() => {
        const key = keyOf(consumer, topic, partition);
        image.logPositions.set(key, Math.max(image.logPositions.get(key) ?? 0, offset));
      }),
    loadOffset: (consumer, topic, partition) =>
      access.read(() => image.logPositions.get(keyOf(consumer, topic, partition)) ?? 0),
  };
}
