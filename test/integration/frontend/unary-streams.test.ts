// Unary calls as frames of HTTP/2, from a client that cuts, compresses and ends them as it likes: each gets one answer, by the protocol of gRPC.
import http2 from 'node:http2';
import zlib from 'node:zlib';
import { StartWorkflowExecutionRequest, StartWorkflowExecutionResponse } from '@antiphon/proto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { badRequest } from '#base';
import { createRealEnv } from '#env';
import { type CallContext, createGrpcServer } from '#rpc';

const MAX_BYTES = 4096;
const OK = '0';
const INVALID_ARGUMENT = '3';
const DEADLINE_EXCEEDED = '4';
const RESOURCE_EXHAUSTED = '8';
const UNIMPLEMENTED = '12';
const INTERNAL = '13';

const state = { handled: 0, aborted: 0, context: undefined as CallContext | undefined, peer: '' };
const server = createGrpcServer({
  env: createRealEnv(),
  address: '127.0.0.1:0',
  maxMessageBytes: MAX_BYTES,
  services: {
    workflow: {
      async startWorkflowExecution({ workflowId, identity }, context) {
        state.handled++;
        state.context = context;
        state.peer = context.peer;
        context.onAbort(() => state.aborted++);
        if (workflowId === 'never') return new Promise(() => {});
        if (workflowId === 'refuse') throw badRequest('100 % Fehler für ☃');
        return { runId: workflowId === 'long' ? 'x'.repeat(MAX_BYTES + 1) : `${workflowId}/${identity}` };
      },
    },
  },
});
let session: http2.ClientHttp2Session;

beforeAll(async () => {
  const { address } = await server.start();
  session = http2.connect(`http://${address}`);
});
afterAll(async () => {
  session.close();
  await server.stop(100);
});
beforeEach(() => {
  Object.assign(state, { handled: 0, aborted: 0, context: undefined });
});

const frame = (message: Uint8Array, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};
const start = (workflowId: string): Uint8Array =>
  StartWorkflowExecutionRequest.encode(
    StartWorkflowExecutionRequest.fromPartial({ workflowId, identity: 'me' }),
  ).finish();

interface Answer {
  readonly httpStatus: number | undefined;
  readonly status: string | undefined;
  readonly message: string;
  readonly runId: string;
}

type Headers = Readonly<Record<string, string | string[]>>;

/** A call; `write` sends what it is made of. */
function send(write: (stream: http2.ClientHttp2Stream) => void, headers: Headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const chunks: Buffer[] = [];
    let received: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    stream.on('response', (found) => Object.assign(received, found));
    stream.on('trailers', (found) => {
      received = { ...received, ...found };
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('close', () => {
      const body = Buffer.concat(chunks);
      resolve({
        httpStatus: received[':status'],
        status: received['grpc-status'] as string | undefined,
        message: decodeURI(String(received['grpc-message'] ?? '')),
        runId: body.length === 0 ? '' : StartWorkflowExecutionResponse.decode(body.subarray(5)).runId,
      });
    });
    write(stream);
  });
}

const whole = (workflowId: string) => (stream: http2.ClientHttp2Stream) => stream.end(frame(start(workflowId)));

describe('a unary call', () => {
  test('is answered when its bytes come one by one', async () => {
    const bytes = frame(start('w'));
    const answer = await send((stream) => {
      for (const byte of bytes) stream.write(Buffer.of(byte));
      stream.end();
    });
    expect(answer).toEqual({ httpStatus: 200, status: OK, message: 'OK', runId: 'w/me' });
    expect(state.handled).toBe(1);
  });

  test('may be compressed', async () => {
    const bytes = frame(zlib.gzipSync(start('zipped')), 1);
    const answer = await send((stream) => stream.end(bytes), { 'grpc-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: OK, runId: 'zipped/me' });
  });

  test('gets an error as trailers alone, its text encoded', async () => {
    expect(await send(whole('refuse'))).toEqual({
      httpStatus: 200,
      status: INVALID_ARGUMENT,
      message: '100 % Fehler für ☃',
      runId: '',
    });
  });

  test.each([
    ['without a message', Buffer.alloc(0), UNIMPLEMENTED],
    ['with half a prefix', Buffer.alloc(3), UNIMPLEMENTED],
    ['with half a message', frame(start('w')).subarray(0, -1), UNIMPLEMENTED],
    ['with two messages', Buffer.concat([frame(start('a')), frame(start('b'))]), UNIMPLEMENTED],
    ['with a message beyond the limit', frame(Buffer.alloc(MAX_BYTES + 1)), RESOURCE_EXHAUSTED],
  ])('%s is refused, and never handled', async (_, bytes, status) => {
    expect((await send((stream) => stream.end(bytes))).status).toBe(status);
    expect(state.handled).toBe(0);
  });

  test('is refused by its size before its bytes come', async () => {
    const prefix = frame(Buffer.alloc(MAX_BYTES + 1)).subarray(0, 5);
    const answer = await send((stream) => {
      stream.write(prefix);
      stream.on('response', () => stream.end());
    });
    expect(answer).toMatchObject({
      status: RESOURCE_EXHAUSTED,
      message: `Received message larger than max (${MAX_BYTES + 1} vs ${MAX_BYTES})`,
    });
  });

  test('whose answer is beyond the limit is told so', async () => {
    expect(await send(whole('long'))).toMatchObject({ status: RESOURCE_EXHAUSTED, runId: '' });
  });

  test('ends with its deadline, and its handler hears of it', async () => {
    const answer = await send(whole('never'), { 'grpc-timeout': '50m' });
    expect(answer).toMatchObject({ status: DEADLINE_EXCEEDED, message: 'Deadline exceeded' });
    expect(state).toMatchObject({ handled: 1, aborted: 1 });
    expect(state.context?.signal.aborted).toBe(true);
  });

  test('that its caller resets is told to its handler, once', async () => {
    const answer = send((stream) => {
      whole('never')(stream);
      const timer = setInterval(() => {
        if (state.handled === 0) return;
        clearInterval(timer);
        stream.close(http2.constants.NGHTTP2_CANCEL);
      }, 5);
    });
    expect((await answer).status).toBeUndefined();
    await expect.poll(() => state.aborted).toBe(1);
  });

  test('that was answered in time is no longer aborted', async () => {
    const answer = await send(whole('quick'), { 'grpc-timeout': '30m' });
    expect(answer.status).toBe(OK);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(state.aborted).toBe(0);
  });

  test('with a timeout that is none is refused', async () => {
    expect((await send(whole('w'), { 'grpc-timeout': 'soon' })).status).toBe(INTERNAL);
    expect(state.handled).toBe(0);
  });

  test('of another content is not gRPC', async () => {
    expect(await send(whole('w'), { 'content-type': 'application/json' })).toMatchObject({ httpStatus: 415 });
  });

  test('shows its metadata, of which what gRPC cannot carry is none', async () => {
    await send(whole('w'), { 'rpc-caller': 'shop', 'cadence-client-name': 'caf\u00e9', 'x-other': 'y' });
    expect(state.context?.callerName).toBe('shop');
    expect(state.context?.caller.clientImpl).toBe('');
    expect(state.context?.metadataText('x-other')).toBe('y');
    expect(state.context?.metadataText('nothing')).toBe('');
    expect(state.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(state.context?.deadlineMs).toBeUndefined();
  });
});
