// One after another for one key, as they were called: commits of a shard, appends to a partition. Different keys run side by side.

export interface KeyedQueue {
  run<T>(key: string | number, work: () => Promise<T>): Promise<T>;
}

export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string | number, Promise<unknown>>();
  return {
    run(key, work) {
      const before = tails.get(key);
      // What became of the one before is its caller's.
      const result = before === undefined ? work() : before.then(work, work);
      tails.set(key, result);
      const forget = (): void => {
        if (tails.get(key) === result) tails.delete(key);
      };
      result.then(forget, forget);
      return result;
    },
  };
}
