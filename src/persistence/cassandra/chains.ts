// Work of one key in the order it was asked for, one after another; keys don't wait for each other. A failure is its caller's alone.

export interface Chains<Key> {
  run<T>(key: Key, work: () => Promise<T>): Promise<T>;
}

export function createChains<Key>(): Chains<Key> {
  const tails = new Map<Key, Promise<unknown>>();
  return {
    run: (key, work) => {
      const previous = tails.get(key);
      const current = previous === undefined ? work() : previous.then(work, work);
      tails.set(key, current);
      const forget = (): void => {
        if (tails.get(key) === current) tails.delete(key);
      };
      current.then(forget, forget);
      return current;
    },
  };
}
