// Domains as the services see them: a cache over the store, and the clusters they may live in.

import type { DomainRecord } from '@antiphon/proto/internal';
import type { DomainView } from '#core';

export interface DomainCache {
  /** Read-through: a miss asks the store. EntityNotExists: `Domain <name> does not exist.` */
  byName(name: string): Promise<DomainView>;
  byId(id: string): Promise<DomainView>;
  /** What the cache holds now, without I/O. */
  peekByName(name: string): DomainView | undefined;
  peekById(id: string): DomainView | undefined;
  /** How many domains it holds. */
  size(): number;
  /** The whole record behind a view. */
  record(id: string): Promise<DomainRecord>;
  /** Takes a record that this process has just written, so that it sees its own writes at once. */
  put(record: DomainRecord): void;
  /** Drops a domain that this process has just deleted. */
  forget(id: string): void;
  /** Called with (before, after) when a domain changes. Returns the unsubscribe function. */
  onChange(listener: (before: DomainView | undefined, after: DomainView) => void): () => void;
  /** Polls the store for changes made by others (every second, with jitter). */
  start(): void;
  stop(): void;
}
