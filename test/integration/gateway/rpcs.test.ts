// Every RPC is reachable over HTTP, and answers there what it answers over gRPC: for an empty request, and for one that is about nothing that
// exists. The list comes from the descriptors, so a new RPC is in it.
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadApiSchema } from '../../../src/gateway/api-schema.ts';
import { openTarget, post, type Target } from './target.ts';

const schema = loadApiSchema();
const { registry } = schema;
const statusType = schema.message('google.rpc.Status');
let target: Target;
let grpc: Client;

beforeAll(async () => {
  target = await openTarget();
  grpc = new Client(target.server.address, credentials.createInsecure());
});
afterAll(async () => {
  grpc.close();
  await target.stop();
});

interface Outcome {
  readonly code: number;
  readonly body: unknown;
}

const TIMEOUT_MS = 5000;
const CODES: Readonly<Record<number, number>> = {
  200: 0,
  400: 3,
  404: 5,
  409: 6,
  403: 7,
  429: 8,
  501: 12,
  503: 14,
  504: 4,
};

function overGrpc(method: (typeof schema.methods)[number], bytes: Buffer): Promise<Outcome> {
  const identity = (buffer: Buffer): Buffer => buffer;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + TIMEOUT_MS };
    grpc.makeUnaryRequest(method.path, identity, identity, bytes, new Metadata(), options, (error, reply) => {
      if (error === null) {
        const { output } = method.descriptor;
        resolve({ code: status.OK, body: toJson(output, fromBinary(output, reply!), { registry }) });
        return;
      }
      const [details] = error.metadata.get('grpc-status-details-bin');
      const body =
        details === undefined
          ? { code: error.code, message: error.details }
          : toJson(statusType, fromBinary(statusType, details as Buffer), { registry });
      resolve({ code: error.code, body });
    });
  });
}

describe('over HTTP as over gRPC', () => {
  test.each(schema.methods.map((method) => [`${method.service}/${method.name}`, method] as const))(
    '%s',
    async (_, method) => {
      const there = await overGrpc(method, Buffer.alloc(0));
      const here = await post(target, method.route, {}, { 'x-timeout': `${TIMEOUT_MS}ms` });
      expect(here.headers['content-type']).toBe('application/json; charset=utf-8');
      if (there.code === status.OK) {
        expect(here.status).toBe(200);
        expect(Object.keys(here.body).sort()).toEqual(Object.keys(there.body as object).sort());
      } else {
        expect(here.body).toEqual(there.body);
        // FAILED_PRECONDITION and INVALID_ARGUMENT are both 400, UNKNOWN is 500.
        if (there.code !== status.UNKNOWN && there.code !== status.FAILED_PRECONDITION)
          expect(CODES[here.status]).toBe(there.code);
      }
    },
  );
});

test('a domain that is not there is the same error with the same detail', async () => {
  const method = schema.methods.find(({ name }) => name === 'DescribeWorkflowExecution')!;
  const request = { domain: 'nowhere', workflowExecution: { workflowId: 'a' } };
  const answer = await post(target, method.route, request);
  expect(answer.status).toBe(404);
  expect(answer.body).toEqual({
    code: 5,
    message: 'Domain nowhere does not exist.',
    details: [{ '@type': 'type.googleapis.com/uber.cadence.api.v1.EntityNotExistsError' }],
  });
});

test('an error with fields has them in its detail', async () => {
  const start = {
    domain: 'shop',
    workflowId: 'twice',
    workflowType: { name: 'Order' },
    taskList: { name: 'orders' },
    executionStartToCloseTimeout: '60s',
    taskStartToCloseTimeout: '10s',
    requestId: '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a11',
  };
  const first = await post(target, '/api/v1/WorkflowAPI/StartWorkflowExecution', start);
  expect(first.status).toBe(200);
  const again = await post(target, '/api/v1/WorkflowAPI/StartWorkflowExecution', {
    ...start,
    requestId: '6c1b8c9f-8cad-4d6a-8e54-1e807b203b22',
  });
  expect(again.status).toBe(409);
  expect(again.body.details).toEqual([
    {
      '@type': 'type.googleapis.com/uber.cadence.api.v1.WorkflowExecutionAlreadyStartedError',
      startRequestId: start.requestId,
      runId: first.body.runId,
    },
  ]);
});

test('payloads are base64 in the canonical form and plain in the other, by header or by query', async () => {
  const path = '/api/v1/WorkflowAPI/SignalWithStartWorkflowExecution';
  const request = {
    startRequest: {
      domain: 'shop',
      workflowId: 'payloads',
      workflowType: { name: 'Order' },
      taskList: { name: 'orders' },
      executionStartToCloseTimeout: '60s',
      taskStartToCloseTimeout: '10s',
      requestId: '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a12',
      input: { order: 7 },
    },
    signalName: 'go',
    signalInput: { '@values': [1, 'two'] },
  };
  expect((await post(target, path, request, { 'antiphon-payload': 'json' })).status).toBe(200);
  expect((await post(target, path, request)).body.message).toMatch(/Payload from JSON: key "order" is unknown/);
  const read = { domain: 'shop', workflowExecution: { workflowId: 'payloads' } };
  const history = '/api/v1/WorkflowAPI/GetWorkflowExecutionHistory';
  const inputsOf = ({ history: { events } }: { history: { events: Record<string, { input?: unknown }>[] } }) => [
    events[0]?.workflowExecutionStartedEventAttributes?.input,
    events.find((each) => each.workflowExecutionSignaledEventAttributes)?.workflowExecutionSignaledEventAttributes
      ?.input,
  ];
  expect(inputsOf((await post(target, `${history}?antiphon-payload=json`, read)).body)).toEqual([
    { order: 7 },
    { '@values': [1, 'two'] },
  ]);
  expect(inputsOf((await post(target, history, read)).body)).toEqual([
    { data: Buffer.from('{"order":7}').toString('base64') },
    { data: Buffer.from('1\n"two"\n').toString('base64') },
  ]);
});
