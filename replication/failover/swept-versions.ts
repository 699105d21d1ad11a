// Up to which failover version the runs of a domain on a shard were looked at.
import { isStoreError } from '#base';
import type { KeyValueStore } from '#persistence';

const BUCKET = 'failover-swept';
const rowKey = (domainId: string, shardId: number): string => `${domainId}/${shardId}`;

export class SweptVersions {
  readonly #keyValues: KeyValueStore;

  constructor(keyValues: KeyValueStore) {
    this.#keyValues = keyValues;
  }

  async load(domainId: string, shardId: number): Promise<number | undefined> {
    const row = await this.#keyValues.get(BUCKET, rowKey(domainId, shardId));
    return row === undefined ? undefined : Number(Buffer.from(row.value).toString());
  }

  async save(domainId: string, shardId: number, failoverVersion: number): Promise<void> {
    const row = await this.#keyValues.get(BUCKET, rowKey(domainId, shardId));
    await this.#put(domainId, shardId, failoverVersion, row?.version ?? 0);
  }

  /** Only where nothing is known. */
  async initialize(domainId: string, shardId: number, failoverVersion: number): Promise<void> {
    await this.#put(domainId, shardId, failoverVersion, 0);
  }

  async #put(domainId: string, shardId: number, failoverVersion: number, expectedVersion: number): Promise<void> {
    try {
      const value = Buffer.from(String(failoverVersion));
      await this.#keyValues.put(BUCKET, rowKey(domainId, shardId), value, expectedVersion);
    } catch (error) {
      // Somebody else owns the shard by now, and says it himself.
      if (!isStoreError(error, 'ConditionFailed')) throw error;
    }
  }
}
