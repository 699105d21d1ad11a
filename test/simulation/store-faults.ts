// What happens to the calls on stores: failures before and after they are applied, slowness, failing reads, and the death of the process at
// the moment it would note how far it has consumed.
import { StoreError } from '#base';
import type { BlobStore, BlobStores } from '#blob';
import { type SimulatedEnv, sleep } from '#env';
import type { Fault, StoreCall } from '#persistence';
import type { VisibilityStore } from '#visibility';
import type { Chance } from './chance.ts';
import type { Coverage } from './coverage.ts';
import type { Rates } from './profile.ts';

export interface StoreFaults {
  decide(call: StoreCall, crash: () => void): Fault | undefined;
  visibility(store: VisibilityStore, isAlive: () => boolean): VisibilityStore;
  blobs(stores: BlobStores, isAlive: () => boolean): BlobStores;
}

export function createStoreFaults(deps: {
  env: SimulatedEnv;
  chance: Chance;
  coverage: Coverage;
  rates: () => Rates;
}): StoreFaults {
  const { env, chance, coverage, rates } = deps;

  const ofWrite = (call: StoreCall, crash: () => void): Fault | undefined => {
    const now = rates();
    if (call.method === 'saveOffset' && chance.is(now.consumerCrash)) {
      coverage.fault('consumer-crash');
      crash();
      return { fail: 'before' };
    }
    if (chance.is(now.storeFailsBefore)) {
      coverage.fault('store-fails-before');
      return { fail: 'before' };
    }
    if (chance.is(now.storeTimeoutApplied)) {
      coverage.fault('store-timeout-applied');
      return { fail: 'after', answerDelayMs: chance.between(0, 500) };
    }
    if (chance.is(now.storeTimeoutLost)) {
      coverage.fault('store-timeout-lost');
      return { fail: 'never', delayMs: chance.between(0, 500) };
    }
    return undefined;
  };

  const requireAlive = (isAlive: () => boolean): void => {
    if (!isAlive()) throw new StoreError('Unavailable', 'the process is dead');
  };

  const faultyBlobs = (store: BlobStore, isAlive: () => boolean): BlobStore => ({
    async put(key, content, options) {
      requireAlive(isAlive);
      if (chance.is(rates().archivePutFails)) {
        coverage.fault('archive-put-fails');
        throw new StoreError('Unavailable', 'injected: the object was not written');
      }
      await store.put(key, content, options);
      if (!chance.is(rates().archivePutAnswerLost)) return;
      coverage.fault('archive-put-answer-lost');
      throw new StoreError('Timeout', 'injected: no answer to the put');
    },
    async get(key) {
      requireAlive(isAlive);
      if (chance.is(rates().archiveGetFails)) {
        coverage.fault('archive-get-fails');
        throw new StoreError('Unavailable', 'injected: the object was not read');
      }
      return store.get(key);
    },
    async exists(key) {
      requireAlive(isAlive);
      return store.exists(key);
    },
    async list(prefix, options) {
      requireAlive(isAlive);
      return store.list(prefix, options);
    },
    async remove(key) {
      requireAlive(isAlive);
      await store.remove(key);
    },
  });

  return {
    decide(call, crash) {
      const slow = chance.is(rates().storeSlow) ? chance.between(10, 1_500) : undefined;
      if (slow !== undefined) coverage.fault('store-slow');
      const delay = slow === undefined ? {} : { delayMs: slow };
      if (call.isWrite) {
        const fault = ofWrite(call, crash);
        return fault === undefined && slow === undefined ? undefined : { ...delay, ...fault };
      }
      if (!chance.is(rates().storeReadFails)) return slow === undefined ? undefined : delay;
      coverage.fault('store-read-fails');
      return { ...delay, fail: chance.is(0.5) ? 'before' : 'never' };
    },
    visibility(store, isAlive) {
      const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
        requireAlive(isAlive);
        const isStruck = chance.is(rates().visibilityFails);
        if (isStruck) coverage.fault('visibility-fails');
        const isBefore = chance.is(0.5);
        if (isStruck && isBefore) throw new StoreError('Unavailable', 'injected: visibility');
        await sleep(env.scheduler, 1);
        requireAlive(isAlive);
        const result = await work();
        if (isStruck) throw new StoreError('Timeout', 'injected: visibility');
        return result;
      };
      return {
        upsert: (records) => attempt(() => store.upsert(records)),
        remove: (...run) => attempt(() => store.remove(...run)),
        list: (...listing) => attempt(() => store.list(...listing)),
        count: (...query) => attempt(() => store.count(...query)),
        close: () => store.close(),
      };
    },
    blobs: (stores, isAlive) => {
      const opened = new Map<string, BlobStore>();
      return {
        open(uri) {
          let store = opened.get(uri);
          if (store === undefined) {
            store = faultyBlobs(stores.open(uri), isAlive);
            opened.set(uri, store);
          }
          return store;
        },
      };
    },
  };
}
