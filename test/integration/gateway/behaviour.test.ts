// What a caller of HTTP relies on beside the answers: who he is to the handlers, his deadline, that hanging up ends his call, limits, and the end
// of the server.
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRealEnv } from '#env';
import { type Gateway, type GatewayOptions, startGateway } from '#gateway';
import type { CallContext, Services } from '#rpc';
import { get, openTarget, post, raw, send, type Target } from './target.ts';

const HEALTH = '/api/v1/MetaAPI/Health';
const POLL = '/api/v1/WorkerAPI/PollForDecisionTask';
const poll = { domain: 'shop', taskList: { name: 'nobody' }, identity: 'http' };

/** A gateway in front of one RPC of the test's own. */
async function aroundHealth(
  health: (context: CallContext) => Promise<{ ok: boolean; message: string }>,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const services: Services = { meta: { health: (_, context) => health(context) } };
  return startGateway({ env: createRealEnv(), address: '127.0.0.1:0', services, ...options });
}
const ok = { ok: true, message: '' };

describe('the caller', () => {
  test('is who its headers say, and its bearer token is its authorization', async () => {
    const seen: CallContext[] = [];
    const gateway = await aroundHealth(async (context) => {
      seen.push(context);
      return ok;
    });
    await post(
      gateway,
      HEALTH,
      {},
      {
        authorization: 'Bearer a.b.c',
        'rpc-caller': 'billing',
        'cadence-caller-type': 'ui',
        'cadence-client-name': 'uber-go',
        'cadence-client-feature-version': '1.7.0',
        'cadence-client-isolation-group': 'zone-1',
        'cadence-client-feature-flags': '{"AutoforwardingEnabled":true}',
        'x-timeout': '7s',
      },
    );
    expect(seen[0]).toMatchObject({
      authorization: 'a.b.c',
      callerName: 'billing',
      callerType: 'ui',
      caller: { clientImpl: 'uber-go', featureVersion: '1.7.0' },
      isolationGroup: 'zone-1',
      featureFlags: { autoforwardingEnabled: true },
      clientCertificate: undefined,
    });
    expect(seen[0]!.deadlineMs! - Date.now()).toBeGreaterThan(4000);
    expect(seen[0]!.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    await post(gateway, HEALTH, {}, { 'cadence-authorization': 'd.e.f', authorization: 'Bearer a.b.c' });
    expect(seen[1]).toMatchObject({ authorization: 'd.e.f', callerName: 'http', callerType: 'unknown' });
    expect(seen[1]!.deadlineMs).toBeDefined();
    await gateway.stop();
  });

  test('who hangs up ends his call', async () => {
    let signal: AbortSignal | undefined;
    const gateway = await aroundHealth(
      (context) =>
        new Promise((resolve) => {
          signal = context.signal;
          signal.addEventListener('abort', () => resolve(ok));
        }),
    );
    const controller = new AbortController();
    const call = send(gateway, 'POST', HEALTH, { signal: controller.signal });
    await vi.waitFor(() => expect(signal).toBeDefined());
    expect(signal!.aborted).toBe(false);
    controller.abort();
    await expect(call).rejects.toThrow();
    await vi.waitFor(() => expect(signal!.aborted).toBe(true));
    await gateway.stop();
  });

  test('whose time is over is told so, and the handler as well', async () => {
    let signal: AbortSignal | undefined;
    const gateway = await aroundHealth(
      (context) =>
        new Promise(() => {
          signal = context.signal;
        }),
    );
    for (const header of [{ 'x-timeout': '50ms' }, { 'grpc-timeout': '50m' }]) {
      const answer = await post(gateway, HEALTH, {}, header);
      expect(answer.status).toBe(504);
      expect(answer.body).toEqual({ code: 4, message: 'context deadline exceeded' });
      expect(signal!.aborted).toBe(true);
    }
    await gateway.stop(0);
  });

  test('whose call fails in a way nobody foresaw learns nothing of our insides', async () => {
    const gateway = await aroundHealth(async () => {
      throw new TypeError('secret of file.ts');
    });
    const answer = await post(gateway, HEALTH);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      code: 2,
      message: 'cadence internal uncategorized error, msg: unexpected TypeError',
    });
    await gateway.stop();
  });
});

describe('with a region behind it', () => {
  let target: Target;
  beforeAll(async () => {
    target = await openTarget({ corsOrigins: ['https://ops.example.com'], allowedHosts: ['antiphon.example.com'] });
  });
  afterAll(() => target.stop());

  test('a poll answers empty before its deadline, and its poller is gone when its caller hung up', async () => {
    const answer = await post(target, POLL, poll, { 'x-timeout': '2500ms' });
    expect(answer.status).toBe(200);
    const pollers = async (): Promise<unknown[]> => {
      const list = { domain: 'shop', taskList: { name: 'given-up' }, taskListType: 'TASK_LIST_TYPE_DECISION' };
      return (await post(target, '/api/v1/WorkflowAPI/DescribeTaskList', list)).body.pollers ?? [];
    };
    const controller = new AbortController();
    const body = { ...poll, taskList: { name: 'given-up' } };
    const call = send(target, 'POST', POLL, { body, headers: { 'x-timeout': '60s' }, signal: controller.signal });
    call.catch(() => {}); // It is expected to fail, below.
    await vi.waitFor(async () => expect(await pollers()).toHaveLength(1));
    controller.abort();
    await expect(call).rejects.toThrow();
    // A task that comes now is for the next poller, and not lost on the one that left.
    const start = { workflowType: 'Order', taskList: 'given-up', workflowId: 'kept' };
    expect((await post(target, '/api/v1/domains/shop/workflows', start)).status).toBe(201);
    const task = await post(target, POLL, body, { 'x-timeout': '5s' });
    expect(task.body.workflowExecution?.workflowId).toBe('kept');
  });

  test('a poll with too little time is refused as over gRPC', async () => {
    const answer = await post(target, POLL, poll, { 'x-timeout': '1s' });
    expect(answer.body).toEqual({ code: 3, message: 'Context timeout is too short.' });
  });

  test('a body may be gzip', async () => {
    const body = gzipSync(JSON.stringify({ name: 'shop' }));
    const answer = await send(target, 'POST', '/api/v1/DomainAPI/DescribeDomain', {
      body,
      headers: { 'content-encoding': 'gzip' },
    });
    expect(answer.body.domain.name).toBe('shop');
  });

  test('pages of the configured origins may call, preflight included, and those of the same host', async () => {
    const origin = 'https://ops.example.com';
    const preflight = await send(target, 'OPTIONS', POLL, {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': expect.stringContaining('content-type'),
      vary: 'origin',
    });
    const call = await post(target, HEALTH, {}, { origin });
    expect(call.status).toBe(200);
    expect(call.headers['access-control-allow-origin']).toBe(origin);
    const own = await post(target, HEALTH, {}, { origin: `http://127.0.0.1:${target.port}` });
    expect(own.status).toBe(200);
    expect(own.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('a preflight from elsewhere is refused without a word of CORS', async () => {
    const answer = await send(target, 'OPTIONS', POLL, {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(403);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('a proxy that keeps its own name is answered when the name is configured', async () => {
    expect((await post(target, HEALTH, {}, { host: 'antiphon.example.com' })).status).toBe(200);
    expect((await post(target, HEALTH, {}, { host: 'localhost:1234' })).status).toBe(200);
  });

  test('OPTIONS and HEAD say what there is', async () => {
    const options = await send(target, 'OPTIONS', '/api/v1/domains/shop/workflows');
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, POST, OPTIONS']);
    const head = await send(target, 'HEAD', '/openapi.json');
    expect([head.status, head.text]).toEqual([200, '']);
  });

  test('the page and the document are there, under a policy that lets no script run', async () => {
    const page = await get(target, '/');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /);
    expect(page.text).toContain('/api/v1/WorkflowAPI/StartWorkflowExecution');
    expect(page.text).not.toMatch(/<script|\son\w+=|https?:/);
    const document = await get(target, '/openapi.json');
    expect(document.body.openapi).toBe('3.1.0');
  });

  test('what is not HTTP, and headers without end, are answered and closed', async () => {
    expect(await raw(target, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n.*This is not HTTP\/1\.1\./s,
    );
    expect(await raw(target, '\x16\x03\x01\x02\x00\x01')).toMatch(/^HTTP\/1\.1 400 /);
    const headers = `GET / HTTP/1.1\r\nhost: localhost\r\nx-a: ${'a'.repeat(40_000)}\r\n\r\n`;
    expect(await raw(target, headers)).toMatch(/^HTTP\/1\.1 431 .*headers are larger than 32768 bytes/s);
    const smuggled =
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await raw(target, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await post(target, HEALTH)).status).toBe(200);
  });
});

describe('limits', () => {
  test('a client that is slow with its headers or its body is let go', async () => {
    const limits = { headersTimeoutMs: 200, requestTimeoutMs: 400 };
    const gateway = await aroundHealth(async () => ok, { limits });
    expect(await raw(gateway, 'POST / HTTP/1.1\r\nhost: loc')).toMatch(/^HTTP\/1\.1 408 .*did not arrive in time/s);
    const body = `POST ${HEALTH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a`;
    expect(await raw(gateway, body)).toMatch(/^HTTP\/1\.1 408 /);
    expect((await post(gateway, HEALTH)).status).toBe(200);
    await gateway.stop();
  });

  test('connections, calls, and calls of one connection are bounded', async () => {
    const waiting: (() => void)[] = [];
    const hold = (): Promise<typeof ok> => new Promise((resolve) => waiting.push(() => resolve(ok)));
    const gateway = await aroundHealth(hold, { limits: { connectionsMax: 3, callsMax: 4, callsPerConnectionMax: 2 } });
    const request = `POST ${HEALTH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`;
    const pipelined = raw(gateway, request.repeat(3).replace(/\r\n\r\n$/, '\r\nconnection: close\r\n\r\n'));
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    const second = post(gateway, HEALTH);
    const third = post(gateway, HEALTH);
    await vi.waitFor(() => expect(waiting).toHaveLength(4));
    // A fourth connection is closed at once.
    await expect(post(gateway, HEALTH)).rejects.toThrow();
    for (const release of waiting) release();
    expect((await second).status).toBe(200);
    expect((await third).status).toBe(200);
    const answers = await pipelined;
    expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answers.match(/HTTP\/1\.1 429 .*?retry-after: 1/gs)).toHaveLength(1);
    await gateway.stop();
  });

  test('large bodies at once are bounded in all', async () => {
    const gateway = await aroundHealth(async () => ok, { limits: { bodyBytesMax: 1000, allBodiesBytesMax: 1500 } });
    const slow = net.connect(gateway.port, '127.0.0.1');
    slow.write(
      `POST ${HEALTH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n${' '.repeat(900)}`,
    );
    const large = { body: `{}${' '.repeat(900)}` };
    await vi.waitFor(async () => expect((await send(gateway, 'POST', HEALTH, large)).status).toBe(503));
    slow.destroy();
    await vi.waitFor(async () => expect((await send(gateway, 'POST', HEALTH, large)).status).toBe(200));
    expect((await send(gateway, 'POST', HEALTH, { body: `{}${' '.repeat(1200)}` })).status).toBe(413);
    await gateway.stop();
  });

  test('a client that does not take its answer is let go', async () => {
    const env = createRealEnv();
    const fired = vi.fn();
    const scheduler = {
      after: (delayMs: number, callback: () => void) =>
        env.scheduler.after(delayMs, () => {
          fired(delayMs);
          callback();
        }),
    };
    const gateway = await aroundHealth(async () => ({ ok: true, message: 'x'.repeat(30 << 20) }), {
      env: { ...env, scheduler },
      limits: { responseTimeoutMs: 300 },
    });
    const socket = net.connect(gateway.port, '127.0.0.1').pause();
    socket.on('error', () => {}); // A reset is an end as well.
    socket.write(`POST ${HEALTH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`);
    await vi.waitFor(() => expect(fired).toHaveBeenCalledWith(300), { timeout: 30_000 });
    let received = 0;
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).toBeLessThan(30 << 20);
    await gateway.stop();
  });

  test('after a refused body the connection goes on', async () => {
    const gateway = await aroundHealth(async () => ok, { limits: { bodyBytesMax: 10 } });
    const request = (body: string, more = ''): string =>
      `POST ${HEALTH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
    const answers = await raw(gateway, request(' '.repeat(50_000)) + request('{}', 'connection: close\r\n'));
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
    await gateway.stop();
  });
});

describe('the end', () => {
  test('calls in flight are finished, new ones refused', async () => {
    let release: (() => void) | undefined;
    const gateway = await aroundHealth(
      () =>
        new Promise((resolve) => {
          release = () => resolve(ok);
        }),
    );
    const call = post(gateway, HEALTH);
    await vi.waitFor(() => expect(release).toBeDefined());
    const stopped = gateway.stop(5000);
    await expect(post(gateway, HEALTH)).rejects.toThrow(/ECONNREFUSED/);
    release!();
    expect((await call).status).toBe(200);
    await stopped;
  });

  test('a call that does not end is cut off when the grace is over', async () => {
    const called = vi.fn();
    const gateway = await aroundHealth(() => new Promise(called));
    const call = post(gateway, HEALTH);
    call.catch(() => {}); // It is expected to fail, below.
    await vi.waitFor(() => expect(called).toHaveBeenCalled());
    await gateway.stop(100);
    await expect(call).rejects.toThrow();
  });

  test('it does not listen beyond loopback unless told that the network is trusted', async () => {
    const options = { env: createRealEnv(), services: {} };
    await expect(startGateway({ ...options, address: '0.0.0.0:0' })).rejects.toThrow(
      /refusing to listen on 0\.0\.0\.0:0/,
    );
    const gateway = await startGateway({ ...options, address: '0.0.0.0:0', insecure: true });
    expect((await post(gateway, HEALTH, {}, { host: 'any.example' })).status).toBe(501);
    await gateway.stop();
  });

  test('a port that is taken is named', async () => {
    const gateway = await aroundHealth(async () => ok);
    const again = startGateway({ env: createRealEnv(), services: {}, address: gateway.address });
    await expect(again).rejects.toThrow(`cannot listen on ${gateway.address}`);
    await gateway.stop();
  });
});
