// The gRPC door itself, over a real socket: what every client meets whatever the RPC does.
import { GetWorkflowExecutionHistoryResponse, History, type HistoryEvent, WorkflowAPIService } from '@antiphon/proto';
import { HealthClient } from '@antiphon/proto/health';
import { ServerReflectionClient, type ServerReflectionResponse } from '@antiphon/proto/reflection';
import { Client, credentials, type ServiceError as GrpcError, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badRequest } from '#base';
import { createRealEnv } from '#env';
import { type CallContext, createGrpcServer, createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';

const env = createRealEnv();
const event = (id: number): HistoryEvent => ({
  eventId: BigInt(id),
  eventTime: undefined,
  version: 1n,
  taskId: BigInt(id * 10),
  attributes: { $case: 'timerFiredEventAttributes', value: { timerId: `t${id}`, startedEventId: 1n } },
});
const blob = (...ids: number[]): Uint8Array => History.encode({ events: ids.map(event) }).finish();

let seen: CallContext | undefined;
let aborted: Promise<void>;
let onPolling: () => void = () => {};
const server = createGrpcServer({
  env,
  address: '127.0.0.1:0',
  maxConcurrentCalls: 3,
  services: {
    workflow: {
      async startWorkflowExecution(request, context) {
        seen = context;
        if (request.workflowId === 'explode') throw new RangeError('secret');
        if (request.workflowId === 'refuse') throw badRequest('Domain not set on request.');
        return { runId: request.workflowId };
      },
      async getWorkflowExecutionHistory() {
        return {
          response: { history: undefined, rawHistory: [], nextPageToken: Uint8Array.of(7), archived: true },
          historyBlobs: [blob(1, 2), blob(3)],
        };
      },
    },
    worker: {
      pollForDecisionTask: (_, context) =>
        new Promise((_resolve, reject) => {
          aborted = new Promise((resolve) => {
            context.signal.addEventListener('abort', () => {
              resolve();
              reject(new Error('gone'));
            });
          });
          onPolling();
        }),
    },
  },
});
let client: RemoteFrontendClient;
let raw: Client;
let address: string;

beforeAll(async () => {
  ({ address } = await server.start());
  client = createRemoteFrontendClient(address, { env, callerName: 'tests' });
  raw = new Client(address, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  raw.close();
  await server.stop(100);
});

const sendBytes = (path: string, bytes: Buffer, metadata = new Metadata()): Promise<GrpcError | null> =>
  new Promise((resolve) => {
    raw.makeUnaryRequest(
      path,
      (b: Buffer) => b,
      (b: Buffer) => b,
      bytes,
      metadata,
      { deadline: Date.now() + 5000 },
      (error) => resolve(error),
    );
  });
const start = (workflowId: string) =>
  client.workflow.startWorkflowExecution({
    ...emptyStart,
    workflowId,
  });
const emptyStart = WorkflowAPIService.startWorkflowExecution.requestDeserialize(Buffer.alloc(0));

describe('the gRPC server', () => {
  test('carries requests, answers and the metadata of the caller', async () => {
    const own = createRemoteFrontendClient(address, {
      env,
      callerName: 'shop',
      callerType: 'sdk',
      headers: { 'cadence-client-name': 'uber-go', 'cadence-client-feature-version': '1.7.0', 'rpc-service': 'x' },
    });
    await expect(own.workflow.startWorkflowExecution({ ...emptyStart, workflowId: 'w' })).resolves.toEqual({
      runId: 'w',
    });
    own.close();
    expect(seen).toMatchObject({
      caller: { clientImpl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '' },
      callerName: 'shop',
      callerType: 'sdk',
      featureFlags: { workflowExecutionAlreadyCompletedErrorEnabled: true },
    });
    expect(seen?.deadlineMs).toBeGreaterThan(Date.now());
  });

  test('splices encoded batches into one history', async () => {
    const answer = await client.workflow.getWorkflowExecutionHistory(
      WorkflowAPIService.getWorkflowExecutionHistory.requestDeserialize(Buffer.alloc(0)),
    );
    expect(GetWorkflowExecutionHistoryResponse.toJSON(answer)).toEqual(
      GetWorkflowExecutionHistoryResponse.toJSON({
        rawHistory: [],
        history: { events: [1, 2, 3].map(event) },
        nextPageToken: Uint8Array.of(7),
        archived: true,
      }),
    );
  });

  test('gives errors back as they were thrown, and hides unexpected ones', async () => {
    await expect(start('refuse')).rejects.toMatchObject({ kind: 'BadRequest', message: 'Domain not set on request.' });
    await expect(start('explode')).rejects.toMatchObject({ kind: 'InternalService', message: 'unexpected RangeError' });
  });

  test.each([
    ['bytes that are no message', Buffer.from([0xff, 0xff, 0xff])],
    ['a field longer than the message', Buffer.from([0x0a, 0x7f, 0x01])],
    ['text that is not UTF-8', Buffer.from([0x0a, 0x02, 0xc3, 0x28])],
    ['groups nested beyond reason', Buffer.alloc(100_000, 0x0b)],
  ])('refuses %s as INVALID_ARGUMENT without a detail', async (_, bytes) => {
    const error = await sendBytes('/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution', bytes);
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(error?.details).toContain('uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution cannot be decoded');
    expect(error?.metadata.get('grpc-status-details-bin')).toEqual([]);
  });

  test.each([
    'uber.cadence.api.v1.ScheduleAPI/CreateSchedule',
    'uber.cadence.admin.v1.AdminAPI/CloseShard',
    'uber.cadence.api.v1.Nothing/AtAll',
  ])('answers %s UNIMPLEMENTED by its name', async (procedure) => {
    const error = await sendBytes(`/${procedure}`, Buffer.alloc(0));
    expect(error).toMatchObject({ code: status.UNIMPLEMENTED });
    expect(error?.details).toContain(procedure);
  });

  test('tells the handler when the caller hangs up, and admits only so many calls', async () => {
    const polling = new Promise<void>((resolve) => {
      let count = 0;
      onPolling = () => {
        count++;
        if (count === 3) resolve();
      };
    });
    const hangUp = new AbortController();
    const request = { domain: 'd', taskList: undefined, identity: '', binaryChecksum: '' };
    const polls = [1, 2, 3].map(() => client.worker.pollForDecisionTask(request, { signal: hangUp.signal }));
    await polling;
    expect(server.activeCalls()).toBe(3);
    await expect(start('one too many')).rejects.toMatchObject({ kind: 'ServiceBusy' });
    hangUp.abort();
    for (const poll of polls) await expect(poll).rejects.toMatchObject({ kind: 'Cancelled' });
    await aborted;
    await expect.poll(() => server.activeCalls()).toBe(0);
  });

  test('a message over the limit is refused and the server lives', async () => {
    const small = createGrpcServer({ env, address: '127.0.0.1:0', maxMessageBytes: 1024, services: {} });
    const { address: at } = await small.start();
    const other = createRemoteFrontendClient(at, { env });
    const big = { ...emptyStart, workflowId: 'x'.repeat(2000) };
    await expect(other.workflow.startWorkflowExecution(big)).rejects.toMatchObject({ kind: 'LimitExceeded' });
    await expect(other.workflow.startWorkflowExecution(emptyStart)).rejects.toMatchObject({ kind: 'Unimplemented' });
    other.close();
    await small.stop();
  });

  test('answers health checks by service', async () => {
    const health = new HealthClient(address, credentials.createInsecure());
    const check = (service: string) =>
      new Promise((resolve) => health.check({ service }, (error, answer) => resolve(error?.code ?? answer.status)));
    expect(await check('')).toBe(1);
    expect(await check('uber.cadence.api.v1.WorkerAPI')).toBe(1);
    expect(await check('nobody')).toBe(status.NOT_FOUND);
    server.setServing(false);
    expect(await check('')).toBe(2);
    server.setServing(true);
    health.close();
  });

  test('reflects services, files and symbols', async () => {
    const reflection = new ServerReflectionClient(address, credentials.createInsecure());
    const stream = reflection.serverReflectionInfo();
    const answers: ServerReflectionResponse[] = [];
    const done = new Promise((resolve) => stream.on('end', resolve));
    stream.on('data', (answer: ServerReflectionResponse) => answers.push(answer));
    for (const asked of [
      { $case: 'listServices', value: '' },
      { $case: 'fileContainingSymbol', value: 'uber.cadence.api.v1.WorkflowAPI' },
      { $case: 'fileContainingSymbol', value: 'uber.cadence.api.v1.History' },
      { $case: 'fileByFilename', value: 'google/protobuf/duration.proto' },
      { $case: 'fileContainingSymbol', value: 'no.such.Thing' },
    ] as const) {
      stream.write({ host: '', messageRequest: asked });
    }
    stream.end();
    await done;
    reflection.close();
    const [services, api, history, file, nothing] = answers.map((answer) => answer.messageResponse);
    expect(services).toMatchObject({ $case: 'listServicesResponse' });
    expect(JSON.stringify(services)).toContain('uber.cadence.admin.v1.AdminAPI');
    expect(api?.$case === 'fileDescriptorResponse' && api.value.fileDescriptorProto.length).toBeGreaterThan(3);
    expect(history).toMatchObject({ $case: 'fileDescriptorResponse' });
    expect(file?.$case === 'fileDescriptorResponse' && file.value.fileDescriptorProto.length).toBe(1);
    expect(nothing).toMatchObject({ $case: 'errorResponse', value: { errorCode: status.NOT_FOUND } });
  });

  test('does not listen beyond loopback unless told that the network is trusted', () => {
    const create = (at: string, insecure: boolean) => () =>
      createGrpcServer({ env, address: at, insecure, services: {} });
    expect(create('0.0.0.0:0', false)).toThrow('only loopback addresses are allowed');
    expect(create('nonsense', false)).toThrow('is not host:port');
    expect(create('0.0.0.0:0', true)).not.toThrow();
    expect(create('[::1]:0', false)).not.toThrow();
    expect(create('localhost:0', false)).not.toThrow();
  });
});
