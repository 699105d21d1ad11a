// Two tenants on one server: nothing of one is shown to, taken by or answered for by the other, whatever token, page or decision he sends.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  type Decision,
  DescribeDomainRequest,
  GetWorkflowExecutionHistoryRequest,
  ListDomainsRequest,
  ListWorkflowExecutionsRequest,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  QueryResultType,
  QueryWorkflowRequest,
  RespondDecisionTaskCompletedRequest,
  RespondQueryTaskCompletedRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { HealthClient } from '@antiphon/proto/health';
import { ServerReflectionClient, type ServerReflectionResponse } from '@antiphon/proto/reflection';
import { credentials, type ServiceError as GrpcError, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RemoteFrontendClient } from '#rpc';
import { until } from '../../support/security/certificates.ts';
import { type SecureServer, startSecureServer } from '../../support/security/secure-server.ts';

let server: SecureServer;
beforeAll(async () => {
  server = await startSecureServer({ http: { address: '127.0.0.1:0' } });
});
afterAll(() => server.stop());

const DENIED = { kind: 'AccessDenied', message: 'Request unauthorized.' };

async function start(client: RemoteFrontendClient, domain: string, workflowId: string): Promise<string> {
  const { runId } = await client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      domain,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: 'order' },
      taskList: { name: `tasks-of-${workflowId}` },
      executionStartToCloseTimeout: { seconds: 600n },
      taskStartToCloseTimeout: { seconds: 60n },
    }),
  );
  return runId;
}

const poll = (client: RemoteFrontendClient, domain: string, workflowId: string): Promise<PollForDecisionTaskResponse> =>
  client.worker.pollForDecisionTask(
    PollForDecisionTaskRequest.fromPartial({ domain, taskList: { name: `tasks-of-${workflowId}` } }),
    { timeoutMs: 8000 },
  );

const complete = (client: RemoteFrontendClient, taskToken: Uint8Array, decisions: Decision[] = []) =>
  client.worker.respondDecisionTaskCompleted(RespondDecisionTaskCompletedRequest.fromPartial({ taskToken, decisions }));

async function inDomainOf(name: string, token: Uint8Array): Promise<Uint8Array> {
  const { id } = await server.running.region.domains.byName(name);
  return Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(token).toString()), domainId: id }));
}

describe('domains', () => {
  const names = async (client: RemoteFrontendClient, pageSize: number): Promise<string[]> => {
    const found: string[] = [];
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await client.domain.listDomains(ListDomainsRequest.fromPartial({ pageSize, nextPageToken }));
      found.push(...page.domains.map(({ name }) => name));
      nextPageToken = page.nextPageToken;
      expect(Buffer.from(nextPageToken).toString()).not.toContain(found.includes('other') ? '\0' : 'other');
    } while (nextPageToken.length > 0);
    return found.filter((name) => !name.startsWith('cadence-'));
  };

  test('are listed to those who may read them, page by page', async () => {
    expect(await names(server.client('admin'), 1)).toEqual(['other', 'shop']);
    for (const role of ['reader', 'writer'] as const) expect(await names(server.client(role), 1)).toEqual(['shop']);
    expect(await names(server.client('other reader'), 100)).toEqual(['other']);
    for (const role of ['process', 'no group'] as const) expect(await names(server.client(role), 1)).toEqual([]);
  });

  test('whether one exists is not told to strangers', async () => {
    const describeAs = (role: 'no token' | 'reader', name: string) =>
      server
        .client(role)
        .domain.describeDomain(DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }));
    await expect(describeAs('no token', 'shop')).rejects.toMatchObject(DENIED);
    await expect(describeAs('no token', 'nowhere')).rejects.toMatchObject(DENIED);
    await expect(describeAs('reader', 'nowhere')).rejects.toMatchObject({ message: 'Domain nowhere does not exist.' });
  });
});

describe('a token', () => {
  const count = (client: RemoteFrontendClient) =>
    client.visibility.countWorkflowExecutions(CountWorkflowExecutionsRequest.fromPartial({ domain: 'shop' }));

  test('may come as a bearer, in any case', async () => {
    for (const scheme of ['Bearer', 'bearer']) {
      const headers = { authorization: `${scheme} ${await server.token('reader')}` };
      await expect(count(server.clientWith('', headers))).resolves.toBeDefined();
    }
    await expect(count(server.clientWith('', { authorization: 'Bearer nonsense' }))).rejects.toMatchObject(DENIED);
  });

  test('counts at the HTTP door as well', async () => {
    const ask = async (headers: Record<string, string>): Promise<number> => {
      const url = `http://${server.running.httpAddress}/api/v1/VisibilityAPI/CountWorkflowExecutions`;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: '{"domain":"shop"}',
      });
      await response.text();
      return response.status;
    };
    expect(await ask({})).toBe(403);
    expect(await ask({ authorization: `Bearer ${await server.token('other reader')}` })).toBe(403);
    expect(await ask({ authorization: `Bearer ${await server.token('reader')}` })).toBe(200);
  });

  test('is told nothing of why it was refused', async () => {
    const refusals = await Promise.all(
      (['no token', 'expired', 'wrong signature', 'no group'] as const).map((role) =>
        count(server.client(role)).catch((error: Error) => ({ ...error, message: error.message })),
      ),
    );
    expect(new Set(refusals.map((refusal) => JSON.stringify(refusal))).size).toBe(1);
  });
});

describe('task tokens', () => {
  test("of one tenant's task are taken from nobody else", async () => {
    await start(server.client('writer'), 'shop', 'task-1');
    const { taskToken } = await poll(server.client('process'), 'shop', 'task-1');
    const close: Decision = {
      attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value: { result: undefined } },
    };
    await expect(complete(server.client('other process'), taskToken, [close])).rejects.toMatchObject(DENIED);
    await expect(complete(server.client('reader'), taskToken, [close])).rejects.toMatchObject(DENIED);
    const moved = await inDomainOf('other', taskToken);
    await expect(complete(server.client('other process'), moved, [close])).rejects.toMatchObject({
      kind: 'EntityNotExists',
    });
    await expect(complete(server.client('process'), taskToken, [close])).resolves.toBeDefined();
  });

  test("of one tenant's query are taken from nobody else", async () => {
    await start(server.client('writer'), 'shop', 'query-1');
    await complete(server.client('process'), (await poll(server.client('process'), 'shop', 'query-1')).taskToken);
    const answered = server.client('reader').workflow.queryWorkflow(
      QueryWorkflowRequest.fromPartial({
        domain: 'shop',
        workflowExecution: { workflowId: 'query-1' },
        query: { queryType: 'state' },
      }),
    );
    const task = await poll(server.client('process'), 'shop', 'query-1');
    expect(task.query?.queryType).toBe('state');
    const answer = (role: 'process' | 'other process', taskToken: Uint8Array, text: string) =>
      server.client(role).worker.respondQueryTaskCompleted(
        RespondQueryTaskCompletedRequest.fromPartial({
          taskToken,
          result: { resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED, answer: { data: Buffer.from(text) } },
        }),
      );
    await expect(answer('other process', task.taskToken, 'forged')).rejects.toMatchObject(DENIED);
    await expect(answer('other process', await inDomainOf('other', task.taskToken), 'forged')).rejects.toMatchObject({
      kind: 'EntityNotExists',
    });
    await answer('process', task.taskToken, 'true one');
    expect(Buffer.from((await answered).queryResult?.data ?? []).toString()).toBe('true one');
  });
});

describe('page tokens', () => {
  test('of a history count for its run and domain only', async () => {
    const runId = await start(server.client('other writer'), 'other', 'paged');
    await start(server.client('writer'), 'shop', 'paged');
    const read = (role: 'reader' | 'other reader', domain: string, nextPageToken: Uint8Array) =>
      server.client(role).workflow.getWorkflowExecutionHistory(
        GetWorkflowExecutionHistoryRequest.fromPartial({
          domain,
          workflowExecution: { workflowId: 'paged' },
          nextPageToken,
          pageSize: 1,
          waitForNewEvent: true,
        }),
      );
    const { nextPageToken } = await read('other reader', 'other', new Uint8Array());
    expect(runId).not.toBe('');
    expect(nextPageToken.length).toBeGreaterThan(0);
    await expect(read('reader', 'shop', nextPageToken)).rejects.toMatchObject({
      kind: 'BadRequest',
      message: 'Invalid NextPageToken.',
    });
    await expect(read('reader', 'other', nextPageToken)).rejects.toMatchObject(DENIED);
  });

  test('of a listing count for its domain and query only', async () => {
    for (const id of ['listed-1', 'listed-2']) await start(server.client('other writer'), 'other', id);
    const list = (role: 'reader' | 'other reader', domain: string, query: string, nextPageToken: Uint8Array) =>
      server
        .client(role)
        .visibility.listWorkflowExecutions(
          ListWorkflowExecutionsRequest.fromPartial({ domain, pageSize: 1, query, nextPageToken }),
        );
    await until(async () => (await list('other reader', 'other', '', new Uint8Array())).nextPageToken.length > 0);
    const { nextPageToken } = await list('other reader', 'other', '', new Uint8Array());
    const invalid = { kind: 'BadRequest', message: 'Invalid NextPageToken.' };
    await expect(list('reader', 'shop', '', nextPageToken)).rejects.toMatchObject(invalid);
    await expect(list('other reader', 'other', "WorkflowType = 'x'", nextPageToken)).rejects.toMatchObject(invalid);
    await expect(list('other reader', 'other', '', nextPageToken)).resolves.toBeDefined();
  });
});

describe('decisions', () => {
  const child = (domain: string): Decision => ({
    attributes: {
      $case: 'startChildWorkflowExecutionDecisionAttributes',
      value: {
        ...emptyChild,
        domain,
        workflowId: `child-in-${domain}`,
        workflowType: { name: 'c' },
        taskList: { name: 'c', kind: 0, baseName: '' },
        executionStartToCloseTimeout: { seconds: 60n, nanos: 0 },
        taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
      },
    },
  });
  const emptyChild = (() => {
    const { decisions } = RespondDecisionTaskCompletedRequest.fromPartial({
      decisions: [{ attributes: { $case: 'startChildWorkflowExecutionDecisionAttributes', value: {} } }],
    });
    const attributes = decisions[0]?.attributes;
    if (attributes?.$case !== 'startChildWorkflowExecutionDecisionAttributes') throw new Error('it was just set');
    return attributes.value;
  })();
  const signal = (domain: string): Decision =>
    RespondDecisionTaskCompletedRequest.fromPartial({
      decisions: [
        {
          attributes: {
            $case: 'signalExternalWorkflowExecutionDecisionAttributes',
            value: { domain, workflowExecution: { workflowId: 'w' }, signalName: 's' },
          },
        },
      ],
    }).decisions[0] as Decision;

  test('act in another domain only with write there', async () => {
    await start(server.client('writer'), 'shop', 'reaching');
    const { taskToken } = await poll(server.client('process'), 'shop', 'reaching');
    await expect(complete(server.client('process'), taskToken, [child('other')])).rejects.toMatchObject(DENIED);
    await expect(complete(server.client('process'), taskToken, [signal('other')])).rejects.toMatchObject(DENIED);
    const both = await server.key.token({ subject: 'both', groups: ['shop-process', 'other-write'] });
    await expect(
      complete(server.clientWith(both), taskToken, [child('other'), child(''), child('shop')]),
    ).resolves.toBeDefined();
  });
});

describe('beside the API', () => {
  const metadataWith = (token: string): Metadata => {
    const metadata = new Metadata();
    if (token !== '') metadata.set('cadence-authorization', token);
    return metadata;
  };

  test('health is open', async () => {
    const health = new HealthClient(server.running.address, credentials.createInsecure());
    const answer = await new Promise((resolve, reject) => {
      health.check({ service: '' }, (error, found) => (error === null ? resolve(found) : reject(error)));
    });
    expect(answer).toMatchObject({ status: 1 });
    health.close();
  });

  test('reflection is for known callers', async () => {
    const reflection = new ServerReflectionClient(server.running.address, credentials.createInsecure());
    const ask = (token: string) =>
      new Promise<ServerReflectionResponse>((resolve, reject) => {
        const stream = reflection.serverReflectionInfo(metadataWith(token));
        stream.on('data', resolve);
        stream.on('error', reject);
        stream.write({ host: '', messageRequest: { $case: 'listServices', value: '' } });
        stream.end();
      });
    const refused = (await ask('').catch((error: GrpcError) => error)) as GrpcError;
    expect(refused).toMatchObject({ code: status.PERMISSION_DENIED, details: 'Request unauthorized.' });
    const answer = await ask(await server.token('no group'));
    expect(JSON.stringify(answer.messageResponse)).toContain('uber.cadence.api.v1.WorkflowAPI');
    reflection.close();
  });
});
