// Seeded bugs, made without a switch in the product: ports decorated so that they break one promise. Each must be caught by a checker.
import type { BlobStores } from '#blob';
import type { SimulatedHostEnv } from '#env';
import type { Store } from '#persistence';
import type { MemoryImage } from '#persistence/memory';
import type { VisibilityStore } from '#visibility';

export interface Mutation {
  readonly name: string;
  /** What is broken. */
  readonly says: string;
  readonly regions?: number;
  store?(store: Store, host: { readonly image: MemoryImage; readonly env: SimulatedHostEnv }): Store;
  visibility?(store: VisibilityStore): VisibilityStore;
  blobs?(stores: BlobStores): BlobStores;
}

export const NO_MUTATION: Mutation = { name: '', says: 'nothing is broken' };

export const MUTATIONS: readonly Mutation[] = [];
