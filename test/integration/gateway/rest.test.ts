// The aliases as somebody with curl uses them, on workflows that a real worker runs.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createWorker, type Worker } from '@antiphon/sdk/worker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DOMAIN, get, openTarget, post, send, type Target } from './target.ts';

const WORKFLOWS = `/api/v1/domains/${DOMAIN}/workflows`;
const taskList = 'carts';
let target: Target;
let worker: Worker;
let shopWorker: Worker;

const workflowsAt = (path: string): string => fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url));

beforeAll(async () => {
  target = await openTarget();
  const { address } = target.server;
  worker = await createWorker({
    address,
    domain: DOMAIN,
    taskList,
    workflowsPath: workflowsAt('signals-queries/workflows.ts'),
  });
  shopWorker = await createWorker({
    address,
    domain: DOMAIN,
    taskList: 'fulfilment',
    workflowsPath: workflowsAt('rest-gateway/workflows.ts'),
  });
  worker.start();
  shopWorker.start();
});
afterAll(async () => {
  await worker.shutdown();
  await shopWorker.shutdown();
  await target.stop();
});

const start = (more: object = {}, headers = {}) =>
  post(target, WORKFLOWS, { workflowType: 'cart', taskList, ...more }, headers);
const path = (id: string, rest = ''): string => `${WORKFLOWS}/${encodeURIComponent(id)}${rest}`;

describe('a workflow', () => {
  test('is started, signalled, asked, and its result awaited', async () => {
    const id = 'cart/of ada';
    const started = await start({ workflowId: id, memo: { note: { for: 'ada' } } });
    expect(started.status).toBe(201);
    expect(started.body).toEqual({ workflowId: id, runId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(started.headers.location).toBe(path(id));

    expect((await post(target, path(id, '/signals/addItem'), { args: ['lamp', 2] })).body).toEqual({});
    await vi.waitFor(async () =>
      expect((await get(target, path(id, '/queries/contents'))).body).toEqual({ result: { lamp: 2 } }),
    );
    expect((await post(target, path(id, '/queries/countOf'), { input: 'lamp' })).body).toEqual({ result: 2 });
    expect((await post(target, path(id, '/queries/countOf'), { args: ['book'] })).body).toEqual({ result: 0 });

    const result = get(target, path(id, '/result'));
    await post(target, path(id, '/signals/checkOut'));
    expect((await result).body).toEqual({
      workflowId: id,
      runId: started.body.runId,
      closeStatus: 'COMPLETED',
      result: { lamp: 2 },
    });
    // A closed run still answers.
    expect((await get(target, path(id, `/result?runId=${started.body.runId}`))).body.closeStatus).toBe('COMPLETED');
    const described = await get(target, path(id));
    expect(described.body.workflowExecutionInfo).toMatchObject({
      closeStatus: 'WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED',
      memo: { fields: { note: { for: 'ada' } } },
    });
  });

  test('that fails says why', async () => {
    const { body } = await start();
    await post(target, path(body.workflowId, '/signals/checkOut'));
    const result = await get(target, path(body.workflowId, '/result'));
    expect(result.status).toBe(200);
    expect(result.body).toMatchObject({ closeStatus: 'FAILED', failure: { reason: 'cadence:NonRetryable' } });
    expect(JSON.stringify(result.body.failure.details)).toContain('the cart is empty');
  });

  test('that is open when the time is over is said to be open', async () => {
    const { body } = await start();
    const result = await get(target, path(body.workflowId, '/result'), { 'x-timeout': '300ms' });
    expect([result.status, result.body]).toEqual([
      504,
      { code: 4, message: `Workflow ${body.workflowId} is still open.` },
    ]);
  });

  test('is cancelled, and terminated with a reason', async () => {
    const { body } = await start();
    expect((await post(target, path(body.workflowId, '/cancel'), { cause: 'enough' })).body).toEqual({});
    const again = await post(target, path(body.workflowId, '/cancel'), { cause: 'enough' });
    expect(again.status === 409 || again.status === 404).toBe(true);
    const second = (await start()).body;
    expect(
      (await post(target, path(second.workflowId, '/terminate'), { reason: 'gone', details: { by: 'ada' } })).status,
    ).toBe(200);
    expect((await get(target, path(second.workflowId, '/result'))).body).toMatchObject({
      closeStatus: 'TERMINATED',
      reason: 'gone',
      details: { by: 'ada' },
    });
    expect((await post(target, path(second.workflowId, '/signals/addItem'), {})).status).toBe(404);
  });

  test('is started once for one idempotency key, and refused for another', async () => {
    const key = { 'idempotency-key': 'order 17 of ada' };
    const first = await start({ workflowId: 'once' }, key);
    const second = await start({ workflowId: 'once' }, key);
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
    const other = await start({ workflowId: 'once' }, { 'idempotency-key': 'order 18 of ada' });
    expect([other.status, other.body.details[0].runId]).toEqual([409, first.body.runId]);
  });

  test('is started by its first signal', async () => {
    const signal = { workflowType: 'cart', taskList, signalName: 'addItem', signalArgs: ['lamp', 1] };
    const first = await post(target, path('by-signal', '/signal-with-start'), signal);
    const second = await post(target, path('by-signal', '/signal-with-start'), signal);
    expect(second.body).toEqual(first.body);
    await vi.waitFor(async () =>
      expect((await get(target, path('by-signal', '/queries/contents'))).body).toEqual({ result: { lamp: 2 } }),
    );
  });
});

describe('a history', () => {
  test('is read page by page', async () => {
    const { workflowId } = (await start()).body;
    for (let i = 0; i < 5; i++) await post(target, path(workflowId, '/signals/addItem'), { args: ['lamp', 1] });
    await post(target, path(workflowId, '/signals/checkOut'));
    await get(target, path(workflowId, '/result'));
    const ids: string[] = [];
    for (let token = ''; ; ) {
      const query = new URLSearchParams({ pageSize: '3', ...(token && { pageToken: token }) });
      const page = await get(target, path(workflowId, `/history?${query}`));
      ids.push(...page.body.events.map((event: { eventId: string }) => event.eventId));
      token = page.body.nextPageToken;
      if (token === '') break;
    }
    expect(ids).toEqual(Array.from(ids, (_, index) => String(index + 1)));
    expect(ids.length).toBeGreaterThanOrEqual(10);
  });

  test('is followed line by line until the run closes, and the follower may leave', async () => {
    const { workflowId } = (await start()).body;
    const followed = get(target, path(workflowId, '/history?follow=true'));
    const leaving = new AbortController();
    const left = send(target, 'GET', path(workflowId, '/history?follow=true'), { signal: leaving.signal });
    left.catch(() => {}); // It is expected to fail, below.
    await post(target, path(workflowId, '/signals/addItem'), { args: ['lamp', 1] });
    leaving.abort();
    await expect(left).rejects.toThrow();
    await post(target, path(workflowId, '/signals/checkOut'));
    const { headers, text } = await followed;
    expect(headers['content-type']).toBe('application/jsonl; charset=utf-8');
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ eventId }) => eventId)).toEqual(events.map((_, index) => String(index + 1)));
    expect(events[0].workflowExecutionStartedEventAttributes.workflowType.name).toBe('cart');
    expect(events.at(-1).workflowExecutionCompletedEventAttributes.result).toEqual({ lamp: 1 });
  });

  test('that is followed for a time ends with that as its last line', async () => {
    const { workflowId } = (await start()).body;
    const followed = await get(target, path(workflowId, '/history?follow=true'), { 'x-timeout': '500ms' });
    expect(followed.status).toBe(200);
    expect(JSON.parse(followed.text.trim().split('\n').at(-1)!)).toEqual({
      error: { code: 4, message: 'context deadline exceeded' },
    });
  });
});

test('workflows are listed by a query, page by page', async () => {
  const ids = ['list-1', 'list-2', 'list-3'];
  for (const workflowId of ids) await start({ workflowId, searchAttributes: { CustomKeywordField: 'listed' } });
  const query = `CustomKeywordField = 'listed'`;
  await vi.waitFor(async () => {
    const found: string[] = [];
    for (let token = ''; ; ) {
      const parameters = new URLSearchParams({ query, pageSize: '2', ...(token && { pageToken: token }) });
      const { body } = await get(target, `${WORKFLOWS}?${parameters}`);
      for (const each of body.executions) {
        found.push(each.workflowExecution.workflowId);
        expect(each.searchAttributes.indexedFields.CustomKeywordField).toBe('listed');
      }
      token = body.nextPageToken;
      if (token === '') break;
    }
    expect(found.sort()).toEqual(ids);
  });
});

test('the shell script of the example does as it says', async () => {
  const script = workflowsAt('rest-gateway/orders.sh');
  const { stdout } = await promisify(execFile)(script, {
    env: { ...process.env, ANTIPHON_HTTP: target.url, DOMAIN, no_proxy: '*' },
  });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(5);
  expect(lines.at(-1)).toMatchObject({
    closeStatus: 'COMPLETED',
    result: { item: 'lamp', done: { pay: 'ada', ship: 'bob' }, open: [] },
  });
});
