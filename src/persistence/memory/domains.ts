// The domain port in memory.
import { DomainRecord } from '@antiphon/proto/internal';
import { required, StoreError } from '#base';
import type { DomainStore } from '../ports.ts';
import type { MemoryAccess } from './access.ts';
import type { MemoryImage } from './image.ts';
import { compareBytes } from './sorted-rows.ts';

export function createMemoryDomains(image: MemoryImage, access: MemoryAccess): DomainStore {
  const all = (): DomainRecord[] => [...image.domains.values()].map((blob) => DomainRecord.decode(blob));
  const nameOf = (record: DomainRecord): string => record.domain?.name ?? '';
  const save = (record: DomainRecord): DomainRecord => {
    const saved = { ...record, notificationVersion: ++image.notificationVersion };
    const { id } = required(record.domain, 'a domain record has a domain');
    image.domains.set(id, DomainRecord.encode(saved).finish());
    return saved;
  };
  return {
    createDomain: (record) =>
      access.write(() => {
        const { id, name } = required(record.domain, 'a domain record has a domain');
        if (image.domains.has(id) || all().some((other) => nameOf(other) === name)) {
          throw new StoreError('ConditionFailed', `domain ${name} (${id}) exists already`);
        }
        return save(record);
      }),
    updateDomain: (record, expectedNotificationVersion) =>
      access.write(() => {
        const { id, name } = required(record.domain, 'a domain record has a domain');
        const stored = image.domains.get(id);
        const version = stored === undefined ? 0 : DomainRecord.decode(stored).notificationVersion;
        if (stored === undefined || version !== expectedNotificationVersion) {
          throw new StoreError(
            'ConditionFailed',
            `domain ${name} is at ${version}, not ${expectedNotificationVersion}`,
          );
        }
        return save(record);
      }),
    findDomain: (by) =>
      access.read(() =>
        all().find((record) => ('id' in by ? record.domain?.id === by.id : nameOf(record) === by.name)),
      ),
    listDomains: () => access.read(() => all().sort((a, b) => compareBytes(nameOf(a), nameOf(b)))),
    deleteDomain: (id) =>
      access.write(() => {
        if (image.domains.delete(id)) image.notificationVersion++;
      }),
    notificationVersion: () => access.read(() => image.notificationVersion),
  };
}
