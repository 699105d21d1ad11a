import { describe, expect, test } from 'vitest';
import { HttpError } from '../../../src/gateway/http-error.ts';
import { createRouter } from '../../../src/gateway/routes.ts';

const router = createRouter([
  { method: 'GET', path: '/', handler: 'home' },
  { method: 'POST', path: '/things', handler: 'create' },
  { method: 'GET', path: '/things', handler: 'list' },
  { method: 'GET', path: '/things/{id}', handler: 'one' },
  { method: 'POST', path: '/things/{id}/parts/{part}', handler: 'part' },
]);

function fault(work: () => unknown): { status: number; headers: object } {
  try {
    work();
  } catch (error) {
    if (error instanceof HttpError) return { status: error.status, headers: error.headers };
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a path leads', () => {
  test('to its handler, with the decoded names in it', () => {
    expect(router.match('GET', '/')).toEqual({ handler: 'home', params: {} });
    expect(router.match('HEAD', '/things').handler).toBe('list');
    expect(router.match('POST', '/things/a%2Fb%20c/parts/%E2%82%AC')).toEqual({
      handler: 'part',
      params: { id: 'a/b c', part: '€' },
    });
  });
  test('nowhere when there is none, or a name in it is empty', () => {
    expect(fault(() => router.match('GET', '/nothing')).status).toBe(404);
    expect(fault(() => router.match('GET', '/things/')).status).toBe(404);
    expect(fault(() => router.match('GET', '/things/a/b')).status).toBe(404);
    expect(router.allowed('/nothing')).toEqual([]);
  });
  test('to the methods there are when it is asked with another', () => {
    expect(fault(() => router.match('DELETE', '/things'))).toEqual({
      status: 405,
      headers: { allow: 'GET, HEAD, POST, OPTIONS' },
    });
  });
  test('to a precise error when a name is badly encoded', () => {
    expect(() => router.match('GET', '/things/%E0%A4%A')).toThrow(
      'The path segment "%E0%A4%A" is not valid percent-encoding.',
    );
  });
});
