// npm run bench -- reindex: fills an index of OpenSearch from many runs while others are started, and counts that none is missing. One server in this
// process on SQLite; the command line does the work, as an operator would.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CountWorkflowExecutionsRequest, RegisterDomainRequest, StartWorkflowExecutionRequest } from '@antiphon/proto';
import { type ConfigOverrides, loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';
import { createOpenSearchClient } from '#visibility';
import { createInProcessCli } from '../support/cli-in-process.ts';
import { figure } from './report.ts';

const HELP = `npm run bench -- reindex [--runs N] [--while N] [--url URL]

Starts N runs (default 100000) with lists in the store, then fills an index while --while more (default 10000) are started. OpenSearch:
eval "$(npm run --silent services -- env opensearch)" or --url.
`;

const DOMAIN = 'reindex';
const CONCURRENCY = 64;
const WAIT_MS = 200;
const env = createRealEnv();
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

async function startRuns(client: RemoteFrontendClient, from: number, to: number): Promise<number> {
  const started = performance.now();
  let next = from;
  const runner = async (): Promise<void> => {
    while (next < to) {
      await client.workflow.startWorkflowExecution({
        ...StartWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowId: `w${next++}`,
          workflowType: { name: 'Order' },
          taskList: { name: `orders-${next % 16}` },
          requestId: randomUUID(),
        }),
        executionStartToCloseTimeout: seconds(86_400),
        taskStartToCloseTimeout: seconds(10),
      });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, runner));
  return (to - from) / ((performance.now() - started) / 1000);
}

async function count(client: RemoteFrontendClient): Promise<number> {
  const request = CountWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN });
  return Number((await client.visibility.countWorkflowExecutions(request)).count);
}

interface Bench {
  readonly folder: string;
  readonly url: string;
  readonly index: string;
}

async function serve<T>(
  { folder, url, index }: Bench,
  visibility: NonNullable<ConfigOverrides['visibility']>,
  use: (client: RemoteFrontendClient, server: RunningServer) => Promise<T>,
): Promise<T> {
  const overrides: ConfigOverrides = {
    frontend: { address: '127.0.0.1:0' },
    metrics: { address: '' },
    persistence: { driver: 'sqlite', sqlite: { path: path.join(folder, 'runs.db'), synchronous: 'NORMAL' } },
    visibility: { ...visibility, opensearch: { urls: [url], index, timeoutMs: 60_000 } },
    log: { level: 'silent' },
  };
  const server = await startServer(loadConfig({ overrides, environment: {} }));
  const client = createRemoteFrontendClient(server.address, { env, defaultTimeoutMs: 120_000 });
  try {
    return await use(client, server);
  } finally {
    client.close();
    await server.stop();
  }
}

async function measure(bench: Bench, runs: number, more: number): Promise<void> {
  await serve(bench, { write: 'store', read: 'store' }, async (client) => {
    await client.domain.registerDomain({
      ...RegisterDomainRequest.fromPartial({ name: DOMAIN }),
      workflowExecutionRetentionPeriod: seconds(86_400),
    });
    console.log(`${runs} runs started: ${figure(await startRuns(client, 0, runs))} per second`);
  });
  const flags = ['--url', bench.url, '--index', bench.index, '--index-shards', '1', '--replication-factor', '0'];
  await createInProcessCli('127.0.0.1:1').ok('schema', 'setup', '--store', 'opensearch', ...flags);
  await serve(bench, { write: 'both', read: 'opensearch' }, async (client, server) => {
    const started = performance.now();
    const reindex = createInProcessCli(server.address)
      .json<{ runs: number }>('--context-timeout', '120', 'admin', 'visibility', 'reindex')
      .then((answer) => ({ ...answer, seconds: (performance.now() - started) / 1000 }));
    const [answer, rate] = await Promise.all([reindex, startRuns(client, runs, runs + more)]);
    console.log(
      `${answer.runs} records written again in ${figure(answer.seconds)} s (${figure(answer.runs / answer.seconds)} per second), ` +
        `while ${more} runs were started (${figure(rate)} per second)`,
    );
    let found = 0;
    for (const until = performance.now() + 120_000; found !== runs + more && performance.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
      found = await count(client);
    }
    console.log(`${found} of ${runs + more} runs in the index, ${runs + more - found} missing`);
    process.exitCode = found === runs + more ? 0 : 1;
  });
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    while: { type: 'string', default: '10000' },
    url: { type: 'string', default: process.env.OPENSEARCH_URL ?? '' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.url === '') {
  console.log(HELP);
} else {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-reindex-'));
  const bench = { folder, url: values.url, index: `bench-${randomUUID()}` };
  try {
    await measure(bench, Number(values.runs), Number(values.while));
  } finally {
    const direct = createOpenSearchClient(env, { urls: [bench.url], timeoutMs: 60_000 });
    await direct.send('DELETE', `/${bench.index}`);
    direct.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
