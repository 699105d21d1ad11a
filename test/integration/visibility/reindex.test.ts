// Moving lists from the store to OpenSearch while the server serves, as docs/operate/opensearch.md says: write to both, fill the index from the runs,
// read from it. And what OpenSearch's absence means. On a real OpenSearch, through a proxy that can cut or hold the line.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  CountWorkflowExecutionsRequest,
  ListWorkflowExecutionsRequest,
  PollForDecisionTaskRequest,
  RegisterDomainRequest,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ConfigOverrides, loadConfig } from '#config';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';
import { createOpenSearchClient, type OpenSearchConnection } from '#visibility';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import { serviceMissing, useService, variable } from '../../support/services.ts';

const DOMAIN = 'shop';
const START_MS = 600_000;
const env = createRealEnv();
// The server keeps what a test that failed has left, and OpenSearch makes an index of whatever is still written to it.
const PREFIX = `reindex-${randomUUID().slice(0, 8)}`;
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

/** A line to OpenSearch that can be held (nothing passes) or cut (no connection is made). */
async function openLine(target: URL) {
  const sockets = new Set<net.Socket>();
  let state: 'open' | 'held' | 'cut' = 'open';
  const server = net.createServer((client) => {
    if (state === 'cut') return void client.destroy();
    const upstream = net.connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (state === 'open') to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    hold: () => {
      state = 'held';
    },
    cut: () => {
      state = 'cut';
      drop();
    },
    mend: () => {
      state = 'open';
      drop();
    },
    close: () => {
      drop();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(serviceMissing('opensearch') !== undefined)('visibility in OpenSearch', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-reindex-'));
  let connection: OpenSearchConnection;
  let line: Awaited<ReturnType<typeof openLine>>;
  let server: RunningServer | undefined;
  let client: RemoteFrontendClient;

  beforeAll(async () => {
    const service = await useService('opensearch');
    connection = { urls: [variable(service, 'OPENSEARCH_URL')], timeoutMs: 30_000 };
    line = await openLine(new URL(variable(service, 'OPENSEARCH_URL')));
  }, START_MS);
  afterEach(async () => {
    line.mend();
    client?.close();
    await server?.stop();
    server = undefined;
  });
  afterAll(async () => {
    await line?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function makeIndex(name: string): Promise<() => Promise<void>> {
    const index = `${PREFIX}-${name}`;
    const flags = ['--url', line.url, '--index', index, '--index-shards', '1', '--replication-factor', '0'];
    await createInProcessCli('127.0.0.1:1').ok('schema', 'setup', '--store', 'opensearch', ...flags);
    return async () => {
      const direct = createOpenSearchClient(env, connection);
      await direct.send('DELETE', `/${index}`);
      direct.close();
    };
  }

  async function serve(name: string, visibility: ConfigOverrides['visibility']): Promise<void> {
    client?.close();
    await server?.stop();
    const opensearch = { urls: [line.url], index: `${PREFIX}-${name}`, timeoutMs: 1_000 };
    const config = loadConfig({
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'sqlite', sqlite: { path: path.join(folder, `${name}.db`), synchronous: 'NORMAL' } },
        history: { shards: 4 },
        visibility: { ...visibility, opensearch },
        log: { level: 'silent' },
      },
      environment: {},
    });
    server = await startServer(config);
    client = createRemoteFrontendClient(server.address, { env });
  }

  const register = () =>
    client.domain.registerDomain({
      ...RegisterDomainRequest.fromPartial({ name: DOMAIN }),
      workflowExecutionRetentionPeriod: seconds(86_400),
    });
  const start = (workflowId: string) =>
    client.workflow.startWorkflowExecution({
      ...StartWorkflowExecutionRequest.fromPartial({
        domain: DOMAIN,
        workflowId,
        workflowType: { name: 'Order' },
        taskList: { name: 'orders' },
        requestId: randomUUID(),
        searchAttributes: { indexedFields: { CustomKeywordField: { data: Buffer.from(JSON.stringify(workflowId)) } } },
      }),
      executionStartToCloseTimeout: seconds(600),
      taskStartToCloseTimeout: seconds(10),
    });
  /** A decision of any run there comes to a worker. */
  const dispatchOf = async (name: string): Promise<void> => {
    const request = PollForDecisionTaskRequest.fromPartial({ domain: DOMAIN, taskList: { name } });
    const { taskToken } = await client.worker.pollForDecisionTask(request);
    expect(taskToken.length).toBeGreaterThan(0);
  };
  const terminate = (workflowId: string) =>
    client.workflow.terminateWorkflowExecution(
      TerminateWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId, runId: '' } }),
    );
  const count = async (query = ''): Promise<number> =>
    Number(
      (
        await client.visibility.countWorkflowExecutions(
          CountWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query }),
        )
      ).count,
    );
  const list = async (query: string): Promise<string[]> => {
    const request = ListWorkflowExecutionsRequest.fromPartial({ domain: DOMAIN, query, pageSize: 100 });
    const { executions } = await client.visibility.listWorkflowExecutions(request);
    return executions.map(({ workflowExecution }) => workflowExecution?.workflowId ?? '');
  };
  const inParallel = async (from: number, to: number, work: (id: string) => Promise<unknown>): Promise<void> => {
    const ids = Array.from({ length: to - from }, (_, index) => `w${from + index}`);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let id = ids.shift(); id !== undefined; id = ids.shift()) await work(id);
      }),
    );
  };

  it('is refused without its index, with the command that makes it', async () => {
    await expect(serve('absent', { write: 'opensearch', read: 'opensearch' })).rejects.toThrow(
      `run "antiphon schema setup --store opensearch --url ${line.url} --index ${PREFIX}-absent"`,
    );
  });

  it('takes over from the store with no run missing and none as it was before', async () => {
    await serve('move', { write: 'store', read: 'store' });
    await register();
    await inParallel(0, 300, start);
    await inParallel(0, 50, terminate);
    const removeIndex = await makeIndex('move');
    try {
      await serve('move', { write: 'both', read: 'store' });
      expect(await count()).toBe(300);
      const cli = createInProcessCli(server!.address);
      const [answer] = await Promise.all([
        cli.json('admin', 'visibility', 'reindex', '--pagesize', '20'),
        inParallel(300, 400, start),
        inParallel(50, 150, terminate),
      ]);
      expect(answer).toMatchObject({ shards: 4 });
      await vi.waitFor(async () => expect(await count('CloseTime != missing')).toBe(150), { timeout: 20_000 });
      await serve('move', { write: 'both', read: 'opensearch' });
      await vi.waitFor(async () => expect(await count()).toBe(400), { timeout: 20_000 });
      expect(await count("CloseStatus = 'TERMINATED'")).toBe(150);
      expect(await count('CloseTime = missing')).toBe(250);
      expect(await list("CustomKeywordField = 'w7' OR CustomKeywordField = 'w399'")).toEqual(['w399', 'w7']);
      await serve('move', { write: 'opensearch', read: 'opensearch' });
      await start('last');
      await vi.waitFor(async () => expect(await list("WorkflowID = 'last'")).toEqual(['last']), { timeout: 20_000 });
      expect(await count()).toBe(401);
    } finally {
      await removeIndex();
    }
  });

  it('is filled in the end when it was away for a moment meanwhile', async () => {
    await serve('away', { write: 'store', read: 'store' });
    await register();
    await inParallel(0, 40, start);
    const removeIndex = await makeIndex('away');
    try {
      await serve('away', { write: 'both', read: 'opensearch' });
      expect(await count()).toBe(0);
      const cli = createInProcessCli(server!.address);
      line.cut();
      expect(await cli.run('workflow', 'count', '--domain', DOMAIN)).toEqual({
        code: 4,
        stdout: '',
        stderr: `error: The server at ${server!.address} cannot do this now: Persistence is unavailable, please retry.\n`,
      });
      const mended = env.scheduler.after(2_000, () => line.mend());
      const { code, stdout, stderr } = await cli.run('admin', 'visibility', 'reindex');
      mended.cancel();
      expect(stderr).toMatch(/shard \d: tried again in 0\.5 s: Persistence is unavailable, please retry\./);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '✓ 40 runs of 4 shards written to the index\n' });
      await vi.waitFor(async () => expect(await count()).toBe(40), { timeout: 20_000 });
    } finally {
      await removeIndex();
    }
  });

  it.each(['cut', 'hold'] as const)(
    'lists every run in the end, and holds no workflow up, when the line is %s',
    async (fault) => {
      const removeIndex = await makeIndex(fault);
      try {
        await serve(fault, { write: 'opensearch', read: 'opensearch' });
        await register();
        await inParallel(0, 20, start);
        await vi.waitFor(async () => expect(await count()).toBe(20), { timeout: 20_000 });
        line[fault]();
        const begun = env.clock.monotonicMs();
        await inParallel(20, 220, start);
        await inParallel(0, 100, terminate);
        expect(env.clock.monotonicMs() - begun).toBeLessThan(20_000);
        await dispatchOf('orders');
        await expect(count()).rejects.toMatchObject({ kind: 'Unavailable' });
        line.mend();
        await vi.waitFor(async () => expect(await count()).toBe(220), { timeout: 60_000, interval: 500 });
        await vi.waitFor(async () => expect(await count('CloseTime != missing')).toBe(100), {
          timeout: 60_000,
          interval: 500,
        });
      } finally {
        await removeIndex();
      }
    },
  );

  it('writes when its index was removed and is made again', async () => {
    const removeIndex = await makeIndex('gone');
    const direct = createOpenSearchClient(env, connection);
    const forbid = (pattern: string | null) =>
      direct.send('PUT', '/_cluster/settings', { persistent: { 'action.auto_create_index': pattern } });
    try {
      await serve('gone', { write: 'opensearch', read: 'opensearch' });
      await register();
      expect((await forbid(`-${PREFIX}-gone,+*`)).status).toBe(200);
      await removeIndex();
      await inParallel(0, 20, start);
      await expect(count()).rejects.toMatchObject({ kind: 'Unavailable' });
      await makeIndex('gone');
      await vi.waitFor(async () => expect(await count()).toBe(20), { timeout: 60_000, interval: 500 });
      expect(await list("CustomKeywordField = 'w7'")).toEqual(['w7']);
    } finally {
      await forbid(null);
      direct.close();
      await removeIndex();
    }
  });

  it('writes what was not acknowledged after a restart', async () => {
    const removeIndex = await makeIndex('restart');
    try {
      await serve('restart', { write: 'opensearch', read: 'opensearch' });
      await register();
      line.cut();
      await inParallel(0, 40, start);
      await server?.stop();
      line.mend();
      await serve('restart', { write: 'opensearch', read: 'opensearch' });
      await vi.waitFor(async () => expect(await count()).toBe(40), { timeout: 60_000, interval: 500 });
    } finally {
      await removeIndex();
    }
  });
});
