// The values that operators set through the admin API: one row for each key in the store's key-value bucket, each changed by compare-and-set,
// so that two operators at once lose nothing. A row that does not parse any more (its key was narrowed by a newer version) is passed over
// with an error in the log: a server must start.
import { isStoreError, ServiceBusyError } from '#base';
import type { Logger } from '#env';
import type { KeyValueStore } from '#persistence';
import type { ConstrainedValue } from './constraints.ts';
import { checkedValue, type RawValue, requireKey } from './entries.ts';
import type { KeyValues } from './file-source.ts';
import { rawValue, ValueError } from './values.ts';

const BUCKET = 'dynamic-config';
const PAGE_SIZE = 500;
const ATTEMPTS_MAX = 5;

export interface StoredConfig {
  load(): Promise<KeyValues>;
  /** Replaces the values of a key by what `change` makes of them; none: the row goes. Durable when it resolves. */
  change(name: string, change: (current: readonly ConstrainedValue[]) => readonly ConstrainedValue[]): Promise<void>;
}

export function createStoredConfig(store: KeyValueStore, logger: Logger): StoredConfig {
  const decodeRow = (name: string, bytes: Uint8Array): readonly ConstrainedValue[] => {
    const key = requireKey(name);
    const rows = JSON.parse(Buffer.from(bytes).toString('utf8')) as readonly RawValue[];
    return rows.map((row) => checkedValue(key, row));
  };
  const readableRow = (name: string, bytes: Uint8Array): readonly ConstrainedValue[] | undefined => {
    try {
      return decodeRow(name, bytes);
    } catch (error) {
      if (!(error instanceof ValueError) && !(error instanceof SyntaxError)) throw error;
      logger.error('a stored dynamic config value is passed over', { key: name, error });
      return undefined;
    }
  };
  return {
    async load() {
      const found = new Map<string, readonly ConstrainedValue[]>();
      let after = '';
      for (;;) {
        const rows = await store.list(BUCKET, '', after, PAGE_SIZE);
        for (const { key, value } of rows) {
          const values = readableRow(key, value);
          if (values !== undefined) found.set(key, values);
        }
        if (rows.length < PAGE_SIZE) return found;
        after = rows.at(-1)?.key ?? '';
      }
    },
    async change(name, change) {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const row = await store.get(BUCKET, name);
        const next = change((row && readableRow(name, row.value)) ?? []);
        try {
          if (next.length > 0) await store.put(BUCKET, name, encodeRow(next), row?.version ?? 0);
          else if (row !== undefined) await store.remove(BUCKET, name);
          return;
        } catch (error) {
          if (!isStoreError(error, 'ConditionFailed')) throw error;
        }
      }
      throw new ServiceBusyError(`The values of ${name} are being changed by someone else; try again.`);
    },
  };
}

const encodeRow = (values: readonly ConstrainedValue[]): Uint8Array =>
  Buffer.from(
    JSON.stringify(
      values.map(({ value, kind, constraints }): RawValue => ({ value: rawValue(kind, value), constraints })),
    ),
  );
