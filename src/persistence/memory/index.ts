// The memory driver, for tests and simulation. What is written lives in a MemoryImage: give the same image to the
// next store and it sees what was durable, as a restarted process sees its disk. `close` is also the crash: writes
// not yet applied are lost.
import type { Env } from '#env';
import type { Store } from '../ports.ts';
import { createMemoryAccess } from './access.ts';
import { createMemoryAudit } from './audit.ts';
import { createMemoryDomains } from './domains.ts';
import { createMemoryHistory } from './history.ts';
import { createMemoryImage, type MemoryImage } from './image.ts';
import { createMemoryKeyValues } from './key-values.ts';
import { createMemoryLog } from './log.ts';
import { createMemoryShards } from './shards.ts';
import { createMemoryTaskLists } from './task-lists.ts';

export { createMemoryImage, type MemoryImage } from './image.ts';

export interface MemoryStore extends Store {
  readonly image: MemoryImage;
  /** The process dies: pending writes are lost, every later call fails as Unavailable. The image stays. */
  crash(): void;
}

/** With an env, writes become durable in a later turn, grouped as on disk; without one, at once. */
export function createMemoryStore(env?: Env, image: MemoryImage = createMemoryImage()): MemoryStore {
  const access = createMemoryAccess(env);
  return {
    image,
    shards: createMemoryShards(image, access),
    history: createMemoryHistory(image, access),
    taskLists: createMemoryTaskLists(image, access),
    domains: createMemoryDomains(image, access),
    log: createMemoryLog(image, access),
    keyValues: createMemoryKeyValues(image, access),
    audit: createMemoryAudit(image, access),
    crash: () => access.close(),
    close: async () => access.close(),
  };
}
