// Tokens that we make: the claims that Cadence's clients and servers know, from keys that are fit for it.
import fs from 'node:fs';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegionTokens, privateKeyOf, publicKeyOf, signTokenWithFile } from '#auth';
import { createRealEnv } from '#env';
import { createSigningKey, type SigningKey } from '../../support/security/tokens.ts';

let key: SigningKey;
beforeAll(async () => {
  key = await createSigningKey('ES256');
});
afterAll(() => key.remove());

describe('a token', () => {
  test("has Cadence's claims", async () => {
    const request = { subject: 'ann', groups: ['a', 'b'], admin: true, ttlSeconds: 60 };
    const token = await signTokenWithFile(key.privateFile, request, 1_700_000_000_999);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'JWT' });
    expect(decodeJwt(token)).toEqual({
      iss: 'internal-jwt',
      sub: 'ann',
      Name: 'ann',
      Groups: 'a b',
      Admin: true,
      TTL: 60,
      iat: 1_700_000_000,
      exp: 1_700_000_060,
    });
  });

  test('claims no more than it was asked for', async () => {
    const token = await signTokenWithFile(
      key.privateFile,
      { subject: 'x', groups: [], admin: false, ttlSeconds: 1 },
      0,
    );
    expect(decodeJwt(token)).not.toHaveProperty('Admin');
    expect(decodeJwt(token)).not.toHaveProperty('Groups');
  });

  test('of a region is renewed at half its life, and one for somebody else has his groups only', async () => {
    let nowMs = 1_700_000_000_000;
    const real = createRealEnv();
    const env = { ...real, clock: { ...real.clock, nowMs: () => nowMs } };
    const tokens = createRegionTokens(key.privateFile, 'region-a', env);
    const first = await tokens.own();
    expect(decodeJwt(first)).toMatchObject({ sub: 'cluster:region-a', Admin: true, TTL: 600 });
    nowMs += 299_000;
    expect(await tokens.own()).toBe(first);
    nowMs += 2_000;
    expect(await tokens.own()).not.toBe(first);
    const other = decodeJwt(await tokens.onBehalfOf({ name: 'clerk', isAdmin: false, groups: ['clerks'] }));
    expect(other).toMatchObject({ sub: 'clerk', Groups: 'clerks', TTL: 60 });
    expect(other).not.toHaveProperty('Admin');
    tokens.close();
  });
});

describe('a key file', () => {
  test.each<[string, () => unknown, string]>([
    ['no key at all', () => privateKeyOf('hello'), 'it is no PEM private key'],
    ['a public key for signing', () => privateKeyOf(pem('public')), 'it is no PEM private key'],
    ['a private key for verifying', () => publicKeyOf(pem('private'), 'ES256'), 'it is a private key'],
    ['a key of another kind', () => publicKeyOf(pem('public'), 'RS256'), 'the key is for ES256, not for RS256'],
  ])('with %s is refused, and no part of it is told', (_, read, reason) => {
    expect(read).toThrow(reason);
    expect(read).not.toThrow(/MIG|BEGIN/);
  });

  const pem = (which: 'public' | 'private'): string =>
    fs.readFileSync(which === 'public' ? key.publicFile : key.privateFile, 'utf8');
});
