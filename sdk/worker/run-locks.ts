// Tasks of one run one after another, in the order they came: a query and a decision may arrive together.

export type RunLock = <T>(runId: string, body: () => Promise<T>) => Promise<T>;

export function createRunLocks(): RunLock {
  const tails = new Map<string, Promise<unknown>>();
  return (runId, body) => {
    const mine = (tails.get(runId) ?? Promise.resolve()).then(body, body);
    tails.set(runId, mine);
    const forget = () => {
      if (tails.get(runId) === mine) tails.delete(runId);
    };
    mine.then(forget, forget);
    return mine;
  };
}
