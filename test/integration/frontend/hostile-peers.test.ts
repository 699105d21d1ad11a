// Peers that keep the protocol's letter and not its spirit, or neither: below gRPC, at HTTP/2 and TCP. The server must answer the others.
import http2 from 'node:http2';
import net from 'node:net';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const PATH = '/uber.cadence.api.v1.WorkflowAPI/StartWorkflowExecution';
const headers = (more: Readonly<Record<string, string>> = {}) => ({
  ':method': 'POST',
  ':path': PATH,
  'content-type': 'application/grpc',
  te: 'trailers',
  ...more,
});
const frame = (message: Buffer, isCompressed = false): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

interface Outcome {
  readonly grpcStatus: string | undefined;
  readonly httpStatus: number | undefined;
  readonly failed: boolean;
}

function call(
  session: http2.ClientHttp2Session,
  requestHeaders: Record<string, string>,
  write: (stream: http2.ClientHttp2Stream) => void,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const stream = session.request(requestHeaders);
    let grpcStatus: string | undefined;
    let httpStatus: number | undefined;
    let failed = false;
    const take = (received: http2.IncomingHttpHeaders): void => {
      grpcStatus ??= received['grpc-status'] as string | undefined;
    };
    stream.on('response', (received) => {
      httpStatus = received[':status'];
      take(received);
    });
    stream.on('trailers', take);
    stream.on('error', () => {
      failed = true;
    });
    stream.on('close', () => resolve({ grpcStatus, httpStatus, failed }));
    stream.resume();
    write(stream);
  });
}

const isServing = async (): Promise<boolean> => (await harness.client.meta.health({}, { timeoutMs: 5000 })).ok;

describe('hostile peers', () => {
  let session: http2.ClientHttp2Session;
  beforeAll(() => {
    session = http2.connect(`http://${harness.address}`);
    session.on('error', () => {});
  });
  afterAll(() => session.destroy());

  test('a call that ends without a message gets a status', async () => {
    const outcome = await call(session, headers(), (stream) => stream.end());
    expect(outcome.grpcStatus).toMatch(/^(12|13)$/);
  });

  test('a message cut short gets a status', async () => {
    const outcome = await call(session, headers(), (stream) => stream.end(frame(Buffer.alloc(100)).subarray(0, 50)));
    expect(Number(outcome.grpcStatus)).toBeGreaterThan(0);
  });

  test('a frame that announces four gigabytes is refused before they come', async () => {
    const prefix = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
    expect(await call(session, headers(), (stream) => stream.end(prefix))).toMatchObject({ grpcStatus: '8' });
  });

  test('a gzip bomb is refused while it unfolds', async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(200 << 20));
    expect(bomb.length).toBeLessThan(1 << 20);
    const outcome = await call(session, headers({ 'grpc-encoding': 'gzip' }), (stream) =>
      stream.end(frame(bomb, true)),
    );
    expect(outcome.grpcStatus).toBe('8');
  });

  test('compressed bytes that are not, and unknown encodings, get a status', async () => {
    const garbage = (encoding: string) =>
      call(session, headers({ 'grpc-encoding': encoding }), (stream) => stream.end(frame(Buffer.alloc(64, 7), true)));
    expect((await garbage('gzip')).grpcStatus).toBe('13');
    expect((await garbage('brainfuck')).grpcStatus).toBe('12');
  });

  test('another content type is refused', async () => {
    const outcome = await call(session, { ...headers(), 'content-type': 'text/html' }, (stream) => stream.end('<p>'));
    expect(outcome.httpStatus).toBe(415);
  });

  test('a timeout that is none is refused', async () => {
    const outcome = await call(session, headers({ 'grpc-timeout': 'soon' }), (stream) =>
      stream.end(frame(Buffer.alloc(0))),
    );
    expect(Number(outcome.grpcStatus)).toBeGreaterThan(0);
  });

  test('metadata over the limit fails its own call only', async () => {
    const other = http2.connect(`http://${harness.address}`);
    other.on('error', () => {});
    const big = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-filler-${i}`, 'y'.repeat(8000)]));
    const outcome = await call(other, headers(big), (stream) => stream.end(frame(Buffer.alloc(0))));
    expect(outcome.grpcStatus).not.toBe('0');
    other.destroy();
    expect(await isServing()).toBe(true);
  });

  test('streams that never end and connections that say nothing do not keep others out', async () => {
    const streams = Array.from({ length: 500 }, () => session.request(headers({ 'grpc-timeout': '3600S' })));
    for (const stream of streams) stream.on('error', () => {});
    const [host, port] = harness.address.split(':');
    const sockets = Array.from({ length: 300 }, () => net.connect(Number(port), host));
    for (const socket of sockets) socket.on('error', () => {});
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    for (const socket of sockets.slice(0, 100)) socket.write('GET / HTTP/1.1\r\n\r\n');
    for (const socket of sockets.slice(100, 200)) socket.write(Buffer.alloc(1000, 0xff));
    expect(await isServing()).toBe(true);
    for (const stream of streams) stream.close();
    for (const socket of sockets) socket.destroy();
    expect(await isServing()).toBe(true);
  });

  test('calls torn down in the middle leave nothing waiting', async () => {
    const torn = http2.connect(`http://${harness.address}`);
    torn.on('error', () => {});
    for (let i = 0; i < 50; i++) {
      const stream = torn.request(headers());
      stream.on('error', () => {});
      stream.write(frame(Buffer.alloc(1000)).subarray(0, 500));
    }
    await new Promise((resolve) => torn.ping(resolve));
    torn.destroy();
    expect(await isServing()).toBe(true);
  });
});
