// Load with a journal: some clients that each start a run, send its signals, and go on with the next.
import { randomUUID } from 'node:crypto';
import type { Journal } from '../support/checkers/index.ts';
import { createJournaledClient, type JournaledClient } from './journaled-client.ts';

export interface Load {
  readonly journal: Journal;
  readonly workflowIds: ReadonlySet<string>;
  moveTo(address: string): void;
  /** No new runs; resolves when the calls in flight are over. */
  stop(): Promise<void>;
}

export const SIGNALS_PER_RUN = 3;
const STEPS_PER_RUN = 3;

export function startLoad(options: {
  journal: Journal;
  /** Clients begin with one after another. */
  addresses: readonly string[];
  domain: string;
  taskList: string;
  clients: number;
  /** Runs that each client leaves open before it waits, so that a minute of kills does not pile up thousands. */
  pauseMs: number;
  attempts: number;
  callTimeoutMs?: number | undefined;
}): Load {
  const { journal } = options;
  const workflowIds = new Set<string>();
  let stopped = false;
  const clients: JournaledClient[] = [];
  const run = async (client: JournaledClient): Promise<void> => {
    while (!stopped) {
      const workflowId = `chaos-${randomUUID()}`;
      workflowIds.add(workflowId);
      const started = await client.start(workflowId, {
        type: 'chaos',
        taskList: options.taskList,
        input: { steps: STEPS_PER_RUN, signals: SIGNALS_PER_RUN },
      });
      if (started) for (let index = 0; index < SIGNALS_PER_RUN; index++) await client.signal(workflowId, 'tick');
      await new Promise((resolve) => setTimeout(resolve, options.pauseMs * (0.5 + Math.random())));
    }
  };
  const { addresses, domain, attempts, callTimeoutMs } = options;
  const loops = Array.from({ length: options.clients }, (_, index) => {
    const first = index % addresses.length;
    const client = createJournaledClient({
      journal,
      addresses: [...addresses.slice(first), ...addresses.slice(0, first)],
      domain,
      attempts,
      callTimeoutMs,
    });
    clients.push(client);
    return run(client);
  });
  return {
    journal,
    workflowIds,
    moveTo: (address) => {
      for (const client of clients) client.moveTo(address);
    },
    async stop() {
      stopped = true;
      await Promise.all(loops);
      for (const client of clients) client.close();
    },
  };
}
