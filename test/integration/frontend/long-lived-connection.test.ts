// A connection over which hundreds of calls go wrong: too large, of no method, of no content type, hung up, left half open. Whatever was not
// read of them, and whatever was not answered, must be given back: to the connection's flow control, and to its count of streams.
import http2 from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createGrpcServer, type GrpcServer } from '#rpc';
import { type Harness, startHarness } from './harness.ts';

/**
 * Streams that a client resets: HTTP/2 takes more than a thousand, and 33 a second, for an attack (CVE-2023-44487), and ends the connection. Who
 * is answered while he still writes resets his stream too.
 */
const EACH = 450;
const AT_ONCE = 50;
/** At once, of a connection: over its life it may have any number. */
const STREAMS_MAX = AT_ONCE + 10;
/** More than a stream's window of 64 KiB: what is not read stays with the sender. */
const BODY_BYTES = 100_000;
const PATH = '/uber.cadence.api.v1.WorkflowAPI/SignalWorkflowExecution';

let harness: Harness;
let server: GrpcServer;
let served: string;
let session: http2.ClientHttp2Session;
beforeAll(async () => {
  harness = await startHarness();
  const { services } = harness.frontend;
  const address = '127.0.0.1:0';
  server = createGrpcServer({ env: createRealEnv(), address, services, maxStreamsPerConnection: STREAMS_MAX });
  served = (await server.start()).address;
});
afterAll(async () => {
  await server.stop(500);
  await harness.stop();
});
beforeEach(() => {
  session = http2.connect(`http://${served}`, { maxSessionMemory: 10_000 });
  session.on('error', () => {});
});
afterEach(() => session.destroy());

const body = Buffer.alloc(BODY_BYTES, 'x');
/** A message of which the length is said, with that many bytes of it. */
function announced(lengthBytes: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(lengthBytes, 1);
  return Buffer.concat([prefix, body]);
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly ending: 'end' | 'hang up' | 'leave open';
}

/** How it ended: a gRPC status, or an HTTP one, or none. */
function call({ headers = {}, bytes, ending }: Sent): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '20S',
      ...headers,
    });
    let outcome = 'none';
    const take = (received: http2.IncomingHttpHeaders): void => {
      const grpcStatus = received['grpc-status'];
      if (grpcStatus !== undefined) outcome = String(grpcStatus);
      else if (outcome === 'none') outcome = `HTTP ${received[':status']}`;
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', () => {});
    stream.on('end', () => {
      if (!stream.writableFinished) stream.close();
    });
    stream.on('close', () => resolve(outcome === 'none' ? `reset ${stream.rstCode}` : outcome));
    stream.resume();
    stream.write(bytes);
    if (ending === 'end') stream.end();
    if (ending === 'hang up') setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
  });
}

async function many(count: number, sent: Sent): Promise<ReadonlySet<string>> {
  const outcomes = new Set<string>();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) outcomes.add(await call(sent));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return outcomes;
}

const RESOURCE_EXHAUSTED = '8';
const UNIMPLEMENTED = '12';
const INVALID_ARGUMENT = '3';
const DEADLINE_EXCEEDED = '4';

/** A large request that is read to its end, and refused for its bytes: only with windows that are open. */
async function expectServed(): Promise<void> {
  expect(session.closed || session.destroyed).toBe(false);
  const startedMs = performance.now();
  expect(await many(AT_ONCE, { bytes: announced(BODY_BYTES), ending: 'end' })).toEqual(new Set([INVALID_ARGUMENT]));
  expect(performance.now() - startedMs).toBeLessThan(5000);
}

test('calls that are too large hold up none that come after them', async () => {
  const large = announced(100 << 20);
  expect(await many(EACH, { bytes: large, ending: 'end' })).toEqual(new Set([RESOURCE_EXHAUSTED]));
  expect(await many(EACH, { bytes: large, ending: 'leave open' })).toEqual(new Set([RESOURCE_EXHAUSTED]));
  await expectServed();
});

test('nor do calls of no method, whose bodies nobody reads', async () => {
  const headers = { ':path': `${PATH}s` };
  expect(await many(EACH, { headers, bytes: body, ending: 'end' })).toEqual(new Set([UNIMPLEMENTED]));
  expect(await many(EACH, { headers, bytes: body, ending: 'leave open' })).toEqual(new Set([UNIMPLEMENTED]));
  await expectServed();
});

test('nor calls of another content type', async () => {
  const headers = { 'content-type': 'text/html' };
  expect(await many(EACH, { headers, bytes: body, ending: 'end' })).toEqual(new Set(['HTTP 415']));
  expect(await many(EACH, { headers, bytes: body, ending: 'leave open' })).toEqual(new Set(['HTTP 415']));
  await expectServed();
});

test('nor calls whose deadline comes in the middle of their message', async () => {
  const headers = { 'grpc-timeout': '20m' };
  const sent: Sent = { headers, bytes: announced(BODY_BYTES * 2), ending: 'leave open' };
  expect(await many(EACH, sent)).toEqual(new Set([DEADLINE_EXCEEDED]));
  await expectServed();
});

test('nor calls that are hung up in the middle of their message', async () => {
  await many(EACH, { bytes: announced(BODY_BYTES * 2), ending: 'hang up' });
  await expectServed();
});
