// Which tokens count, and what their claims say. Each refusal is named, because the log is all that an operator has.
import { createHmac, createPublicKey } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokenVerifier, TokenRefused, type TokenVerifier, type TokenVerifierOptions } from '#auth';
import { createRealEnv } from '#env';
import type { Principal } from '#rpc';
import { until } from '../../support/security/certificates.ts';
import { createSigningKey, nowSeconds, rawToken, type SigningKey } from '../../support/security/tokens.ts';

let now = 0;
const real = createRealEnv();
const env = { ...real, clock: { nowMs: () => Date.now() + now, monotonicMs: () => performance.now() + now } };
let rsa: SigningKey;
let ec: SigningKey;
let stranger: SigningKey;
const verifiers: TokenVerifier[] = [];

const verifier = (given: Partial<TokenVerifierOptions> = {}): TokenVerifier => {
  const made = createTokenVerifier(
    {
      maxTtlSeconds: 3600,
      publicKeyFile: rsa.publicFile,
      publicKeyAlgorithm: 'RS256',
      jwksFile: '',
      jwksUrl: '',
      groupsAttributePath: '',
      adminAttributePath: '',
      issuer: '',
      audience: '',
      filePollMs: 20,
      ...given,
    },
    env,
  );
  verifiers.push(made);
  return made;
};

const refusalOf = async (tokens: TokenVerifier, token: string): Promise<string> => {
  try {
    await tokens.verify(token);
  } catch (error) {
    if (error instanceof TokenRefused) return error.message;
    throw error;
  }
  return 'accepted';
};

const jwk = (key: SigningKey, kid: string): object => ({
  ...createPublicKey(key.key).export({ format: 'jwk' }),
  kid,
  alg: key.algorithm,
});
const inAnHour = () => ({ sub: 'ann', exp: nowSeconds() + 3000 });

beforeAll(async () => {
  [rsa, ec, stranger] = await Promise.all([createSigningKey(), createSigningKey('ES256'), createSigningKey()]);
});
afterAll(() => {
  for (const one of verifiers) one.close();
  for (const key of [rsa, ec, stranger]) key.remove();
});

describe('a token', () => {
  test('of RS256 and of ES256 says who its bearer is', async () => {
    const token = await rsa.token({ subject: 'ann', groups: ['a', 'b'] });
    expect(await verifier().verify(token)).toEqual({ name: 'ann', isAdmin: false, groups: ['a', 'b'] });
    const other = verifier({ publicKeyFile: ec.publicFile, publicKeyAlgorithm: 'ES256' });
    expect(await other.verify(await ec.token({ admin: true }))).toMatchObject({ isAdmin: true });
  });

  test("of Cadence's Go client is an admin's", async () => {
    const payload = { iss: 'internal-jwt', iat: nowSeconds(), exp: nowSeconds() + 600, Admin: true, TTL: 600 };
    expect(await verifier().verify(rsa.raw(payload))).toEqual({ name: 'internal-jwt', isAdmin: true, groups: [] });
  });

  test.each<[string, object, Partial<Principal>]>([
    ['groups as text', { groups: ' a  b ' }, { groups: ['a', 'b'] }],
    ['groups as a list', { Groups: ['a', 'b c'] }, { groups: ['a', 'b c'] }],
    ['no groups', { groups: '' }, { groups: [] }],
    ['a name beside the subject', { Name: 'Ann' }, { name: 'Ann' }],
    ['admin false', { admin: false }, { isAdmin: false }],
  ])('with %s', async (_, claims, principal) => {
    expect(await verifier().verify(rsa.raw({ ...inAnHour(), ...claims }))).toMatchObject(principal);
  });

  test('is verified once and then known at once', async () => {
    const tokens = verifier();
    const token = await rsa.token({});
    expect(tokens.verify(token)).toBeInstanceOf(Promise);
    await tokens.verify(token);
    expect(tokens.verify(token)).not.toBeInstanceOf(Promise);
  });

  test('that was verified ends with its time', async () => {
    const tokens = verifier();
    const token = await rsa.token({ ttlSeconds: 60 });
    await tokens.verify(token);
    now = 61_000;
    expect(await refusalOf(tokens, token)).toBe('the token is expired');
    now = 0;
  });

  test.each<[string, () => string, string]>([
    ['nothing', () => '', 'the call has no token'],
    ['no JWT', () => 'hello', 'Invalid Token or Protected Header formatting'],
    ['a huge one', () => 'x'.repeat(20_000), 'the token is longer than'],
    ['a foreign signature', () => stranger.raw(inAnHour()), 'signature verification failed'],
    ['a changed payload', () => tampered(), 'signature verification failed'],
    ['no algorithm', () => `${unsigned({ alg: 'none' })}.`, '"alg" (Algorithm) Header Parameter'],
    ['the public key as a secret', () => hmacToken(), '"alg" (Algorithm) Header Parameter value not allowed'],
    ['another algorithm', () => ec.raw(inAnHour()), '"alg" (Algorithm) Header Parameter value not allowed'],
    ['an end that was', () => rsa.raw({ exp: nowSeconds() - 60 }), 'the token is expired'],
    ['an end just now', () => rsa.raw({ exp: nowSeconds() - 1 }), 'the token is expired'],
    ['no end', () => rsa.raw({ sub: 'ann' }), 'the token has no exp'],
    ['a ttl without iat', () => rsa.raw({ ttl: 60 }), 'the token has a ttl and no iat'],
    ['a ttl that is over', () => rsa.raw({ ...inAnHour(), iat: nowSeconds() - 90, TTL: 60 }), 'the token is expired'],
    ['too long a life', () => rsa.raw({ exp: nowSeconds() + 9000 }), 'at most 3600 s are allowed'],
    ['too long a ttl', () => rsa.raw({ iat: nowSeconds(), ttl: 9000 }), 'at most 3600 s are allowed'],
    ['a start to come', () => rsa.raw({ ...inAnHour(), nbf: nowSeconds() + 60 }), '"nbf" claim timestamp check failed'],
    ['admin as text', () => rsa.raw({ ...inAnHour(), admin: 'true' }), 'the claim admin is not true or false'],
    ['admin twice', () => rsa.raw({ ...inAnHour(), admin: false, Admin: true }), 'the claim admin is given twice'],
    ['groups as a number', () => rsa.raw({ ...inAnHour(), groups: 7 }), 'the claim groups is neither text nor'],
    ['groups without end', () => rsa.raw({ ...inAnHour(), groups: Array(2000).fill('g') }), 'more than 1000 groups'],
    ['a key id nobody knows', () => rsa.raw(inAnHour(), { alg: 'RS256', kid: 'x' }), 'there is no key to verify'],
  ])('with %s is refused, and the log can say why', async (_, make, reason) => {
    expect(await refusalOf(verifier(), make())).toContain(reason);
  });

  const tampered = (): string => {
    const [header, , signature] = rsa.raw(inAnHour()).split('.');
    return [header, Buffer.from(JSON.stringify({ ...inAnHour(), admin: true })).toString('base64url'), signature].join(
      '.',
    );
  };
  const unsigned = (header: object): string =>
    [header, inAnHour()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const hmacToken = (): string => {
    const text = unsigned({ alg: 'HS256' });
    return `${text}.${createHmac('sha256', fs.readFileSync(rsa.publicFile)).update(text).digest('base64url')}`;
  };
});

describe('the keys', () => {
  test('of a PEM file are exchanged while the server runs, and old tokens count no more', async () => {
    const file = path.join(rsa.folder, 'exchanged.pem');
    fs.copyFileSync(rsa.publicFile, file);
    const tokens = verifier({ publicKeyFile: file });
    const old = await rsa.token({});
    const next = await stranger.token({});
    await tokens.verify(old);
    fs.copyFileSync(stranger.publicFile, file);
    await until(async () => (await refusalOf(tokens, next)) === 'accepted');
    expect(await refusalOf(tokens, old)).toContain('signature verification failed');
    fs.writeFileSync(file, 'rubbish');
    await new Promise((resolve) => setTimeout(resolve, 60)); // A few polls: rubbish changes nothing.
    expect(await refusalOf(tokens, next)).toBe('accepted');
  });

  test.each<[string, () => string, string]>([
    ['a private key', () => rsa.privateFile, 'it is a private key'],
    ['another kind of key', () => ec.publicFile, 'the key is for ES256, not for RS256'],
    ['nothing', () => path.join(rsa.folder, 'none.pem'), 'ENOENT'],
  ])('are refused at start when the file has %s', (_, file, reason) => {
    expect(() => verifier({ publicKeyFile: file() })).toThrow(reason);
  });

  test('of a JWK set file verify tokens that name them, with issuer, audience and claim paths', async () => {
    const file = path.join(rsa.folder, 'jwks.json');
    fs.writeFileSync(file, JSON.stringify({ keys: [jwk(stranger, 's1'), jwk(ec, 'e1')] }));
    const options = { jwksFile: file, issuer: 'https://idp', audience: 'antiphon' };
    const tokens = verifier({ ...options, groupsAttributePath: 'realm.roles', adminAttributePath: 'realm.admin' });
    const payload = { ...inAnHour(), iss: 'https://idp', aud: 'antiphon', realm: { roles: ['a'], admin: true } };
    expect(await tokens.verify(ec.raw(payload, { alg: 'ES256', kid: 'e1' }))).toEqual({
      name: 'ann',
      isAdmin: true,
      groups: ['a'],
    });
    const signed = (claims: object) => stranger.raw({ ...payload, ...claims }, { alg: 'RS256', kid: 's1' });
    expect(await refusalOf(tokens, signed({}))).toBe('accepted');
    expect(await refusalOf(tokens, signed({ iss: 'https://other' }))).toContain('unexpected "iss" claim value');
    expect(await refusalOf(tokens, signed({ aud: 'other' }))).toContain('unexpected "aud" claim value');
    expect(await refusalOf(tokens, stranger.raw(payload, { alg: 'RS256', kid: 's2' }))).toContain('no applicable key');
    // Our own key does not vouch for the provider, nor the provider's for us.
    expect(await refusalOf(tokens, stranger.raw({ ...payload, iss: 'internal-jwt' }))).toContain('signature');
    expect(await refusalOf(tokens, rsa.raw(payload, { alg: 'RS256', kid: 's1' }))).toContain('signature');
  });

  test('of a URL come over HTTP, within limits, and from nowhere else', async () => {
    const bodies: Record<string, string> = {
      '/keys': JSON.stringify({ keys: [jwk(rsa, 'k1')] }),
      '/huge': `{"keys":[],"x":"${'x'.repeat(2 * 1024 * 1024)}"}`,
      '/rubbish': '<html>',
    };
    const idp = http.createServer((request, response) => {
      const body = bodies[request.url ?? ''];
      if (request.url === '/moved') response.writeHead(302, { location: '/keys' }).end();
      else if (body === undefined) response.writeHead(500).end();
      else response.end(body);
    });
    await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
    const { port } = idp.address() as AddressInfo;
    const token = rsa.raw(inAnHour(), { alg: 'RS256', kid: 'k1' });
    const from = (path: string) => verifier({ publicKeyFile: '', jwksUrl: `http://127.0.0.1:${port}${path}` });
    expect(await refusalOf(from('/keys'), token)).toBe('accepted');
    for (const path of ['/huge', '/rubbish', '/moved', '/broken']) {
      expect(await refusalOf(from(path), token)).toContain('not available');
    }
    await new Promise((resolve) => idp.close(resolve));
    expect(await refusalOf(from('/keys'), token)).toContain('not available');
  });

  test('of a URL are fetched when needed, again for a new key id but not for every made-up one, and outlive an outage', async () => {
    let keys: object[] = [jwk(rsa, 'k1')];
    let isUp = true;
    let fetches = 0;
    const tokens = verifier({
      publicKeyFile: '',
      jwksUrl: 'https://idp/keys',
      fetchText: async () => {
        fetches++;
        if (!isUp) throw new Error('down');
        return JSON.stringify({ keys });
      },
    });
    const token = (key: SigningKey, kid: string) => rawToken({ alg: 'RS256', kid }, inAnHour(), key.key);
    expect(await refusalOf(tokens, token(rsa, 'k1'))).toBe('accepted');
    expect(fetches).toBe(1);
    for (let i = 0; i < 5; i++)
      expect(await refusalOf(tokens, token(rsa, `made-up-${i}`))).toContain('no applicable key');
    expect(fetches).toBe(1);
    now = 31_000;
    keys = [jwk(rsa, 'k1'), jwk(stranger, 'k2')];
    expect(await refusalOf(tokens, token(stranger, 'k2'))).toBe('accepted');
    expect(fetches).toBe(2);
    isUp = false;
    now = 3600_000;
    expect(await refusalOf(tokens, rawToken({ alg: 'RS256', kid: 'k1' }, { exp: nowSeconds() + 5000 }, rsa.key))).toBe(
      'accepted',
    );
    now = 8 * 3600_000;
    const late = rawToken({ alg: 'RS256', kid: 'k1' }, { exp: nowSeconds() + 8 * 3600 + 60 }, rsa.key);
    expect(await refusalOf(tokens, late)).toContain('not available');
    now = 0;
  });
});
