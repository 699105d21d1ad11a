// Workflows started one after another while a test disturbs the hosts, and what must be true of each of them: it ended, and every step of it was taken
// once.
import type { HistoryEvent } from '@antiphon/proto';
import { until } from './hosts.ts';
import type { Traffic } from './traffic.ts';

export interface SteadyLoad {
  /** Resolves when more than `count` have been started since now. */
  goesOn(count: number, timeoutMs?: number): Promise<void>;
  /** Starts no more; resolves with the histories of all, once they are closed. */
  finish(): Promise<readonly (readonly HistoryEvent[])[]>;
}

export function startSteadyLoad(traffic: Traffic): SteadyLoad {
  const started: string[] = [];
  let isOver = false;
  const load = (async () => {
    for (let index = 0; !isOver; index++) {
      const id = `load-${index}`;
      await traffic.start(id);
      started.push(id);
    }
  })();
  return {
    goesOn(count, timeoutMs) {
      const before = started.length;
      return until('work goes on', () => started.length > before + count, timeoutMs);
    },
    async finish() {
      isOver = true;
      await load;
      return Promise.all(started.map((id) => traffic.closed(id)));
    },
  };
}

export const kinds = (events: readonly HistoryEvent[]): string[] =>
  events.map(({ attributes }) => attributes?.$case.replace('EventAttributes', '') ?? '');

export const isWhole = (events: readonly HistoryEvent[]): boolean => {
  const found = kinds(events);
  const ids = events.map(({ eventId }) => Number(eventId));
  return (
    found.at(-1) === 'workflowExecutionCompleted' &&
    found.filter((kind) => kind === 'activityTaskCompleted').length === 1 &&
    ids.every((id, index) => id === index + 1)
  );
};
