// A server on Cassandra: it refuses to start without its schema and names the command that helps; with it workflows run, are found by the basic
// filters, and go on after a restart.
import { randomBytes } from 'node:crypto';
import { type Client, createClient } from '@antiphon/sdk/client';
import { bundleWorkflows, createStderrLogger, createWorker, type WorkflowBundle } from '@antiphon/sdk/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { openCassandraSession } from '#persistence/cassandra';
import { type RunningServer, startServer } from '#server';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import { serviceMissing, useService, variable } from '../../support/services.ts';
import { order, pay } from './sql-stores.workflows.ts';

const FIRST_START_MS = 600_000;
const cli = createInProcessCli('127.0.0.1:1');
const keyspace = `server_${randomBytes(5).toString('hex')}`;
const visibilityKeyspace = `${keyspace}_visibility`;

describe.skipIf(serviceMissing('cassandra') !== undefined)('a server on cassandra', () => {
  let bundle: WorkflowBundle;
  let contactPoints: string[];
  let localDataCenter: string;
  let server: RunningServer | undefined;
  let client: Client | undefined;

  const start = async (): Promise<Client> => {
    server = await startServer(
      loadConfig({
        environment: {},
        files: ['config/development.yaml'],
        overrides: {
          frontend: { address: '127.0.0.1:0' },
          metrics: { address: '' },
          http: { address: '' },
          persistence: {
            driver: 'cassandra',
            cassandra: { contactPoints, localDataCenter, keyspace, visibilityKeyspace },
          },
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
    bundle = await bundleWorkflows({ workflowsPath: 'test/integration/stores/sql-stores.workflows.ts' });
    const service = await useService('cassandra');
    contactPoints = [variable(service, 'CASSANDRA_CONTACT_POINTS')];
    localDataCenter = variable(service, 'CASSANDRA_LOCAL_DATACENTER');
  }, FIRST_START_MS);
  afterEach(stop);
  afterAll(async () => {
    const session = await openCassandraSession({ contactPoints, localDataCenter }, createRealEnv());
    for (const name of [keyspace, visibilityKeyspace]) await session.define('drop', `DROP KEYSPACE IF EXISTS ${name}`);
    await session.close();
  }, FIRST_START_MS);

  it('refuses to start without its schema, naming the commands that make it', async () => {
    const where = ['--datacenter', localDataCenter];
    for (const part of [visibilityKeyspace, keyspace]) {
      const error = await start().catch((reason: unknown) => reason);
      const [, setup] = /run "antiphon (schema setup .*)"$/.exec(String(error)) ?? [];
      expect(setup, String(error)).toContain(part);
      const refused = await cli.run(...(setup as string).split(' '), ...where);
      expect(refused.code).toBe(4);
      const [, create] = /run "antiphon (schema create .*)"/.exec(refused.stderr) ?? [];
      await cli.ok(...(create as string).split(' '), ...where, '--rf', '1');
      await cli.ok(...(setup as string).split(' '), ...where);
    }
    await start();
  }, 120_000);

  it('runs workflows, finds them, and goes on with them after a restart', async () => {
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
          searchAttributes: { CustomKeywordField: [item, 'food'] },
        }),
      ),
    );
    const [tea, cake] = handles;
    await tea?.signal(pay, 3);
    expect(await tea?.result()).toBe('tea for 3');
    await cake?.signal(pay, 1);
    await expect.poll(() => first.workflow.count('CloseTime = missing'), { timeout: 20_000 }).toBe(2);
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
      return ids;
    };
    await expect.poll(() => second.workflow.count('CloseStatus = 0'), { timeout: 20_000 }).toBe(3);
    expect((await found('CloseStatus = 0 ORDER BY CloseTime DESC')).at(-1)).toBe('order tea');
    expect(await found("WorkflowID = 'order Käse ☕'")).toEqual(['order Käse ☕']);
    expect(await found("CustomKeywordField = 'cake' AND CloseTime != missing ORDER BY CloseTime DESC")).toEqual([
      'order cake',
    ]);
    await expect(found("CustomKeywordField = 'cake'")).rejects.toThrow(/OpenSearch/);
    await after.shutdown();
  }, 120_000);
});
