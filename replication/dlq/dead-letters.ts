// Messages that could not be applied, kept with their error until somebody merges or purges them. One value per message in the region's own
// store, ordered by source cluster, topic, partition and offset, so that nothing depends on the source still having it.
import { ReplicationTask } from '@antiphon/proto/admin';
import { dataInconsistency, isStoreError } from '#base';
import type { KeyValueStore } from '#persistence';

const BUCKET = 'replication-dead-letters';
const PAGE = 200;

export interface DeadLetterName {
  readonly sourceCluster: string;
  readonly topic: string;
  readonly partition: number;
}

export interface DeadLetter {
  readonly offset: number;
  readonly error: string;
  readonly attempts: number;
  readonly timeMs: number;
  readonly task: ReplicationTask;
}

interface StoredLetter {
  readonly error: string;
  readonly attempts: number;
  readonly timeMs: number;
  /** base64 of the encoded ReplicationTask. */
  readonly message: string;
}

const prefixOf = (name: DeadLetterName): string =>
  `${encodeURIComponent(name.sourceCluster)}/${name.topic}/${String(name.partition).padStart(6, '0')}/`;
const keyOf = (name: DeadLetterName, offset: number): string => prefixOf(name) + String(offset).padStart(16, '0');

function decode(key: string, value: Uint8Array): DeadLetter {
  const stored: StoredLetter = JSON.parse(Buffer.from(value).toString('utf8'));
  const offset = Number(key.slice(key.lastIndexOf('/') + 1));
  if (!Number.isSafeInteger(offset)) throw dataInconsistency(`Dead letter ${key} has no offset.`);
  const { error, attempts, timeMs } = stored;
  return { offset, error, attempts, timeMs, task: ReplicationTask.decode(Buffer.from(stored.message, 'base64')) };
}

export function createDeadLetters(deps: { keyValues: KeyValueStore }) {
  const { keyValues } = deps;

  const list = async (
    name: DeadLetterName,
    page: { afterOffset: number; untilOffset?: number; limit: number },
  ): Promise<readonly DeadLetter[]> => {
    const afterKey = keyOf(name, page.afterOffset);
    const rows = await keyValues.list(BUCKET, prefixOf(name), afterKey, page.limit);
    const letters = rows.map(({ key, value }) => decode(key, value));
    return letters.filter(({ offset }) => page.untilOffset === undefined || offset <= page.untilOffset);
  };

  const remove = (name: DeadLetterName, offset: number): Promise<void> => keyValues.remove(BUCKET, keyOf(name, offset));

  /** Visits letters up to `untilOffset` in order; `visit` returning false stops. */
  const forEach = async (
    name: DeadLetterName,
    untilOffset: number | undefined,
    visit: (letter: DeadLetter) => Promise<void>,
  ): Promise<number> => {
    let afterOffset = 0;
    let visited = 0;
    for (;;) {
      const until = untilOffset === undefined ? {} : { untilOffset };
      const letters = await list(name, { afterOffset, limit: PAGE, ...until });
      for (const letter of letters) {
        await visit(letter);
        afterOffset = letter.offset;
        visited++;
      }
      if (letters.length < PAGE) return visited;
    }
  };

  return {
    async add(name: DeadLetterName, letter: DeadLetter): Promise<void> {
      const { error, attempts, timeMs, task } = letter;
      const message = Buffer.from(ReplicationTask.encode(task).finish()).toString('base64');
      const stored: StoredLetter = { error, attempts, timeMs, message };
      try {
        await keyValues.put(BUCKET, keyOf(name, letter.offset), Buffer.from(JSON.stringify(stored)), 0);
      } catch (failure) {
        // It is there already: the consumer was stopped between this write and its offset.
        if (!isStoreError(failure, 'ConditionFailed')) throw failure;
      }
    },
    list,
    async count(): Promise<readonly (DeadLetterName & { readonly count: number })[]> {
      const counts = new Map<string, DeadLetterName & { count: number }>();
      let afterKey = '';
      for (;;) {
        const rows = await keyValues.list(BUCKET, '', afterKey, PAGE);
        for (const { key } of rows) {
          const [cluster = '', topic = '', partition = ''] = key.split('/');
          const group = `${cluster}/${topic}/${partition}`;
          const found = counts.get(group);
          if (found !== undefined) found.count++;
          else {
            const sourceCluster = decodeURIComponent(cluster);
            counts.set(group, { sourceCluster, topic, partition: Number(partition), count: 1 });
          }
          afterKey = key;
        }
        if (rows.length < PAGE) return [...counts.values()];
      }
    },
    /** Applies letters in order, removing each that was applied. Stops at the first that fails, with its error. */
    merge: (name: DeadLetterName, untilOffset: number | undefined, apply: (task: ReplicationTask) => Promise<void>) =>
      forEach(name, untilOffset, async ({ task, offset }) => {
        await apply(task);
        await remove(name, offset);
      }),
    purge: (name: DeadLetterName, untilOffset?: number): Promise<number> =>
      forEach(name, untilOffset, ({ offset }) => remove(name, offset)),
  };
}

export type DeadLetters = ReturnType<typeof createDeadLetters>;
