// A server on PostgreSQL and on MariaDB: it refuses to start without its schema and names the command that helps; with it workflows run, are found,
// and go on after a restart.
import { type Client, createClient } from '@antiphon/sdk/client';
import { bundleWorkflows, createStderrLogger, createWorker, type WorkflowBundle } from '@antiphon/sdk/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { type RunningServer, startServer } from '#server';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import { serviceMissing } from '../../support/services.ts';
import { nameTestDatabase, SQL_STORES, serviceOf, type TestDatabase } from '../../support/sql-databases.ts';
import { order, pay } from './sql-stores.workflows.ts';

const FIRST_START_MS = 600_000;
const cli = createInProcessCli('127.0.0.1:1');
let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/integration/stores/sql-stores.workflows.ts' });
});

describe.each(SQL_STORES)('a server on %s', (name) => {
  const missing = serviceMissing(serviceOf(name));
  let database: TestDatabase;
  let server: RunningServer | undefined;
  let client: Client | undefined;

  const start = async (): Promise<Client> => {
    const { host, port, user, password, database: title } = database.options;
    server = await startServer(
      loadConfig({
        environment: {},
        files: ['config/development.yaml'],
        overrides: {
          frontend: { address: '127.0.0.1:0' },
          metrics: { address: '' },
          http: { address: '' },
          persistence: { driver: name, [name]: { host, port, user, password, database: title } },
          domains: { preregister: ['shop'] },
          log: { level: 'error' },
        },
      }),
    );
    client = createClient({ address: server.address, domain: 'shop' });
    return client;
  };
  const stop = async (): Promise<void> => {
    client?.close();
    client = undefined;
    await server?.stop();
    server = undefined;
  };

  beforeAll(async () => {
    if (missing === undefined) database = await nameTestDatabase(name);
  }, FIRST_START_MS);
  afterEach(stop);
  afterAll(async () => {
    if (missing === undefined) await database.drop();
  });

  it.skipIf(missing !== undefined)(
    'refuses to start without its schema, naming the commands that make it',
    async () => {
      const { password } = database.options;
      const command = async (): Promise<readonly string[]> => {
        const error = await start().catch((reason: unknown) => reason);
        const [, found] = /run "antiphon (schema .*)"$/.exec(String(error)) ?? [];
        expect(found, String(error)).toBeDefined();
        return [...(found as string).split(' '), '--password', password];
      };
      const refused = await cli.run(...(await command()));
      expect(refused.code).toBe(4);
      const [, create] = /run "antiphon (schema create .*)"/.exec(refused.stderr) ?? [];
      await cli.ok(...(create as string).split(' '), '--password', password);
      await cli.ok(...(await command()));
      await start();
    },
  );

  it.skipIf(missing !== undefined)('runs workflows, finds them, and goes on with them after a restart', async () => {
    const first = await start();
    const work = async () => {
      const worker = await createWorker({
        ...{ address: server?.address ?? '', domain: 'shop', taskList: 'orders', workflowBundle: bundle },
        activities: { price: (item: string) => item.length },
        log: createStderrLogger('error'),
      });
      worker.start();
      return worker;
    };
    const options = { taskList: 'orders', executionTimeout: '5m' } as const;
    const worker = await work();
    const handles = await Promise.all(
      ['tea', 'cake', 'Käse ☕'].map((item) =>
        first.workflow.start(order, {
          ...options,
          workflowId: `order ${item}`,
          args: [item],
          searchAttributes: { CustomKeywordField: [item, 'food'], CustomStringField: `a nice ${item}` },
        }),
      ),
    );
    const [tea, cake] = handles;
    await tea?.signal(pay, 3);
    expect(await tea?.result()).toBe('tea for 3');
    await cake?.signal(pay, 1);
    await worker.shutdown();
    await stop();

    const second = await start();
    const after = await work();
    const rest = ['cake', 'Käse ☕'].map((item) => second.workflow.handle(`order ${item}`));
    await Promise.all(rest.map((handle) => handle.signal(pay, 10)));
    expect(await Promise.all(rest.map((handle) => handle.result()))).toEqual(['cake for 11', 'Käse ☕ for 10']);
    const found = async (query: string): Promise<string[]> => {
      const ids: string[] = [];
      for await (const info of second.workflow.list(query)) ids.push(info.workflowExecution?.workflowId ?? '');
      return ids.sort();
    };
    await expect.poll(() => second.workflow.count('CloseStatus = 0'), { timeout: 20_000 }).toBe(3);
    expect(await found("CustomKeywordField = 'cake'")).toEqual(['order cake']);
    expect(await found("CustomStringField = 'nice tea' OR WorkflowID LIKE '%☕'")).toEqual([
      'order Käse ☕',
      'order tea',
    ]);
    expect(await second.workflow.count("CustomKeywordField = 'food' AND CloseTime != missing")).toBe(3);
    await after.shutdown();
  });
});
