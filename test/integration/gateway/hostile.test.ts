// Every bad request gets its status and its text, as a google.rpc.Status in JSON; none leaves a trace, and the server answers on.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOSTILE_CASES } from './hostile-cases.ts';
import { get, openTarget, post, send, type Target } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await openTarget();
});
afterAll(() => target.stop());

test('there are enough of them', () => {
  expect(HOSTILE_CASES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(HOSTILE_CASES.map(({ name }) => name)).size).toBe(HOSTILE_CASES.length);
});

test.each(HOSTILE_CASES.map((each) => [each.name, each] as const))('%s', async (_, each) => {
  const { method = 'POST', path, body, headers } = each;
  const answer = await send(target, method, path, { ...(body !== undefined && { body }), ...(headers && { headers }) });
  const { message } = each;
  expect({ status: answer.status, message: answer.body?.message }).toEqual({
    status: each.status,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-content-type-options']).toBe('nosniff');
  expect(answer.text.length).toBeLessThan(2000);
  expect(answer.text).not.toMatch(/\n\s+at |node:internal|\.ts:\d+/);
});

test('after all of it nothing was started and the server is alive', async () => {
  expect((await get(target, '/api/v1/domains/shop/workflows')).body).toEqual({ executions: [], nextPageToken: '' });
  expect((await post(target, '/api/v1/MetaAPI/Health')).body).toEqual({ ok: true, message: 'OK' });
});
