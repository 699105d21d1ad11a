// A server with two workers in front of which cadence-web's requests are played.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@antiphon/sdk/client';
import { createStderrLogger, createWorker, type Worker } from '@antiphon/sdk/worker';
import { loadConfig } from '#config';
import { startServer } from '#server';
import { type Answer, createWebClient, type WebClient } from './web-client.ts';

export const CLUSTER = 'region-a';
export const DOMAIN = 'shop';
export const TASK_LIST = 'carts';

export interface Site {
  readonly web: WebClient;
  readonly sdk: Client;
  /** Starts a cart as the web's start page does; answers its ids. */
  startCart(fields?: object): Promise<{ workflowId: string; runId: string }>;
  stop(): Promise<void>;
}

export async function openSite(): Promise<Site> {
  const server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'memory' },
        domains: { preregister: [DOMAIN] },
        log: { level: 'error' },
      },
      environment: {},
    }),
  );
  const web = createWebClient(server.address);
  const sdk = createClient({ address: server.address, domain: DOMAIN });
  const worker: Worker = await createWorker({
    address: server.address,
    domain: DOMAIN,
    taskList: TASK_LIST,
    workflowsPath: fileURLToPath(new URL('../../../examples/signals-queries/workflows.ts', import.meta.url)),
    log: createStderrLogger('error'),
  });
  worker.start();
  return {
    web,
    sdk,
    async startCart(fields = {}) {
      const workflowId = `cart-${randomUUID()}`;
      const answer: Answer = await web.call('workflow', 'StartWorkflowExecution', {
        domain: DOMAIN,
        workflowId,
        workflowType: { name: 'cart' },
        taskList: { name: TASK_LIST },
        input: undefined,
        executionStartToCloseTimeout: { seconds: 300 },
        taskStartToCloseTimeout: { seconds: 10 },
        firstRunAt: undefined,
        cronSchedule: undefined,
        identity: undefined,
        requestId: randomUUID(),
        ...fields,
      });
      return { workflowId, runId: answer.runId };
    },
    async stop() {
      await worker.shutdown();
      sdk.close();
      web.close();
      await server.stop();
    },
  };
}
