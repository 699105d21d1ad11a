// Peers that keep a connection or a stream and give nothing for it: bombs, slow writers, streams left half open, thousands of idle connections.
// They end at their limits, and others are served meanwhile.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import http2 from 'node:http2';
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startHarness } from './harness.ts';

const CONNECTIONS = 10_000;
/** Of descriptors of a process: for everything but these connections. */
const DESCRIPTORS_KEPT = 500;
const MEGABYTE = 1 << 20;

let harness: Harness;
let session: http2.ClientHttp2Session;
beforeAll(async () => {
  harness = await startHarness();
  session = http2.connect(`http://${harness.address}`);
  session.on('error', () => {});
});
afterAll(async () => {
  session.destroy();
  await harness.stop();
});

const headers = (more: Readonly<Record<string, string>> = {}) => ({
  ':method': 'POST',
  ':path': '/uber.cadence.api.v1.WorkflowAPI/SignalWorkflowExecution',
  'content-type': 'application/grpc',
  te: 'trailers',
  ...more,
});
const frame = (message: Uint8Array, isCompressed = false): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

/** The status of a call, whose stream is closed as soon as it is there. */
function statusOf(
  more: Readonly<Record<string, string>>,
  write: (stream: http2.ClientHttp2Stream) => void,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const stream = session.request(headers(more));
    const take = (received: http2.IncomingHttpHeaders): void => {
      const found = received['grpc-status'];
      if (found === undefined) return;
      resolve(String(found));
      stream.close();
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', () => resolve(undefined));
    stream.on('close', () => resolve(undefined));
    stream.resume();
    write(stream);
  });
}

const serves = async (): Promise<boolean> => (await harness.client.meta.health({}, { timeoutMs: 10_000 })).ok;
const DEADLINE_EXCEEDED = '4';
const RESOURCE_EXHAUSTED = '8';

test('a gzip bomb of one gigabyte is refused before it unfolds', async () => {
  // Gzip may be written in members, one after another: they unfold as one.
  const member = zlib.gzipSync(Buffer.alloc(64 * MEGABYTE));
  const bomb = Buffer.concat(Array.from({ length: 16 }, () => member));
  const before = process.memoryUsage().rss;
  const status = await statusOf({ 'grpc-encoding': 'gzip' }, (stream) => stream.end(frame(bomb, true)));
  expect(status).toBe(RESOURCE_EXHAUSTED);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * MEGABYTE);
});

test('who writes a byte now and then is ended by his deadline', async () => {
  const message = frame(Buffer.alloc(1000));
  let timer: NodeJS.Timeout | undefined;
  const status = await statusOf({ 'grpc-timeout': '400m' }, (stream) => {
    let at = 0;
    timer = setInterval(() => stream.write(message.subarray(at, ++at)), 20);
  });
  clearInterval(timer);
  expect(status).toBe(DEADLINE_EXCEEDED);
  expect(await serves()).toBe(true);
});

test('streams left half open end by their deadlines', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      statusOf({ 'grpc-timeout': '300m' }, (stream) => stream.write(frame(Buffer.alloc(9)).subarray(0, index % 6))),
    ),
  );
  expect(new Set(statuses)).toEqual(new Set([DEADLINE_EXCEEDED]));
  expect(await serves()).toBe(true);
});

test('metadata that nests deeply is as good as none', async () => {
  const depth = 8000;
  const flags = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const status = await statusOf({ 'cadence-client-feature-flags': flags, 'grpc-timeout': '5S' }, (stream) =>
    stream.end(frame(Buffer.alloc(0))),
  );
  expect(status).toBe('3');
});

/** As many as the process may have, at most. */
function connectionsAllowed(): number {
  const limits = fs.existsSync('/proc/self/limits') ? fs.readFileSync('/proc/self/limits', 'utf8') : '';
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
  return Math.min(CONNECTIONS, soft - DESCRIPTORS_KEPT);
}

/** A process that opens connections, says nothing on them and reports when all are there. */
async function openIdle(count: number): Promise<ChildProcess> {
  const [host, port] = harness.address.split(':');
  const program = `
    const net = require('node:net');
    let open = 0, begun = 0;
    const next = () => {
      if (begun++ >= ${count}) return;
      net.connect(${port}, '${host}', () => { if (++open === ${count}) console.log('open'); next(); }).on('error', (error) => {
        console.log('failed', error.message);
      });
    };
    for (let i = 0; i < 64; i++) next();`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve) => child.stdout?.once('data', (data) => resolve(String(data))));
  expect(said.trim()).toBe('open');
  return child;
}

test('ten thousand idle connections keep nobody out', async () => {
  const count = connectionsAllowed();
  const before = process.memoryUsage().rss;
  const child = await openIdle(count);
  const startedMs = performance.now();
  expect(await serves()).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  expect(process.memoryUsage().rss - before).toBeLessThan(count * 64 * 1024 + 200 * MEGABYTE);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
  expect(await serves()).toBe(true);
});
