// A server on the store under test, with one client, and the story that every store must carry: orders under way while the server is started anew on
// what it wrote. One server at a time; `stop` may always be called.
import { type Client, createClient } from '@antiphon/sdk/client';
import {
  bundleWorkflows,
  createStderrLogger,
  createWorker,
  type Worker,
  type WorkflowBundle,
} from '@antiphon/sdk/worker';
import { expect } from 'vitest';
import { type ConfigOverrides, loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { order, pay } from './orders.workflows.ts';

const DOMAIN = 'shop';
const TASK_LIST = 'orders';

export interface ServerOnStore {
  /** Starts it and connects to it. */
  start(): Promise<Client>;
  stop(): Promise<void>;
  /** A worker of the running server. */
  work(): Promise<Worker>;
}

/** `persistence` is asked at each start. */
export function createServerOnStore(persistence: () => NonNullable<ConfigOverrides['persistence']>): ServerOnStore {
  let bundle: Promise<WorkflowBundle> | undefined;
  let server: RunningServer | undefined;
  let client: Client | undefined;
  return {
    async start() {
      server = await startServer(
        loadConfig({
          environment: {},
          files: ['config/development.yaml'],
          overrides: {
            frontend: { address: '127.0.0.1:0' },
            metrics: { address: '' },
            http: { address: '' },
            persistence: persistence(),
            domains: { preregister: [DOMAIN] },
            log: { level: 'error' },
          },
        }),
      );
      client = createClient({ address: server.address, domain: DOMAIN });
      return client;
    },
    async stop() {
      client?.close();
      client = undefined;
      await server?.stop();
      server = undefined;
    },
    async work() {
      bundle ??= bundleWorkflows({ workflowsPath: 'test/integration/stores/orders.workflows.ts' });
      const worker = await createWorker({
        ...{ address: server?.address ?? '', domain: DOMAIN, taskList: TASK_LIST, workflowBundle: await bundle },
        activities: { price: (item: string) => item.length },
        log: createStderrLogger('error'),
      });
      worker.start();
      return worker;
    },
  };
}

/** Three orders, of tea, cake and Käse ☕: one is done before the server starts anew, two after that. Returns the client of then. */
export async function orderOverRestart(server: ServerOnStore): Promise<Client> {
  const first = await server.start();
  const worker = await server.work();
  const [tea, cake] = await Promise.all(
    ['tea', 'cake', 'Käse ☕'].map((item) =>
      first.workflow.start(order, {
        taskList: TASK_LIST,
        executionTimeout: '5m',
        workflowId: `order ${item}`,
        args: [item],
        searchAttributes: { CustomKeywordField: [item, 'food'], CustomStringField: `a nice ${item}` },
      }),
    ),
  );
  await tea?.signal(pay, 3);
  expect(await tea?.result()).toBe('tea for 3');
  await cake?.signal(pay, 1);
  await expect.poll(() => first.workflow.count('CloseTime = missing'), { timeout: 20_000 }).toBe(2);
  await worker.shutdown();
  await server.stop();

  const second = await server.start();
  const after = await server.work();
  const rest = ['cake', 'Käse ☕'].map((item) => second.workflow.handle(`order ${item}`));
  await Promise.all(rest.map((handle) => handle.signal(pay, 10)));
  expect(await Promise.all(rest.map((handle) => handle.result()))).toEqual(['cake for 11', 'Käse ☕ for 10']);
  await expect.poll(() => second.workflow.count('CloseStatus = 0'), { timeout: 20_000 }).toBe(3);
  await after.shutdown();
  return second;
}

/** The ids of the workflows that a query lists, in its order. */
export async function listedIds(client: Client, query: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const info of client.workflow.list(query)) ids.push(info.workflowExecution?.workflowId ?? '');
  return ids;
}
