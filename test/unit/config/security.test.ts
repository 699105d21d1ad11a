// The security part of the configuration: what is contradictory or half said is refused, naming the key.
import { describe, expect, test } from 'vitest';
import { type ConfigOverrides, loadConfig } from '#config';

const load = (overrides: ConfigOverrides) => loadConfig({ environment: {}, overrides });
const oauth = (more: object) => ({ authorization: { oauthAuthorizer: { enable: true, ...more } } }) as ConfigOverrides;
const member = (tls: unknown) =>
  ({
    cluster: { members: { 'region-a': { enabled: true, initialFailoverVersion: 0, rpcAddress: '', tls } } },
  }) as ConfigOverrides;

describe('the configuration', () => {
  test('is without TLS and authentication by default', () => {
    const { frontend, metrics, authorization } = load({});
    expect([frontend.tls.enabled, metrics.tls.enabled, authorization.oauthAuthorizer.enable]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test("takes Cadence's form of a region's TLS", () => {
    const { cluster } = load(member({ enabled: true, caFile: 'ca.pem', enableHostVerification: true }));
    expect(cluster.members['region-a']?.tls?.caFile).toBe('ca.pem');
  });

  test.each<[string, ConfigOverrides, string]>([
    ['TLS without a certificate', { frontend: { tls: { enabled: true } } }, 'frontend.tls: certFile is missing'],
    ['TLS without a key', { metrics: { tls: { enabled: true, certFile: 'c' } } }, 'metrics.tls: keyFile is missing'],
    [
      'mTLS without authorities',
      { frontend: { tls: { enabled: true, certFile: 'c', keyFile: 'k', requireClientAuth: true } } },
      'frontend.tls: requireClientAuth needs caFiles',
    ],
    ['mTLS without TLS', { frontend: { tls: { requireClientAuth: true } } }, 'requireClientAuth needs enabled: true'],
    ['a key of TLS that is none', member({ enabled: true, ca: 'x' }), 'region-a.tls.ca is not a key of TLS'],
    ['TLS that is no map', member(true), 'region-a.tls must be a map'],
    ['a file name that is no text', member({ caFile: 7 }), 'region-a.tls.caFile must be text'],
    ['a certificate without its key', member({ certFile: 'c' }), 'region-a.tls.keyFile is missing'],
    ['tokens without any key', oauth({}), 'needs jwtCredentials.publicKey, provider.jwksFile, provider.jwksURL or'],
    ['two key sets', oauth({ provider: { jwksFile: 'f', jwksURL: 'https://x/y' } }), 'both a jwksURL and a jwksFile'],
    ['a key set over plain text', oauth({ provider: { jwksURL: 'http://idp/keys' } }), 'jwksURL must be https://'],
    ['a life of no time', oauth({ maxJwtTTL: 0, jwtCredentials: { publicKey: 'p' } }), 'maxJwtTTL must be more than 0'],
    [
      'another algorithm',
      oauth({ jwtCredentials: { algorithm: 'HS256' as 'RS256' } }),
      'must be one of the possible values',
    ],
    ['a query for a claim', oauth({ provider: { groupsAttributePath: 'a[?b]' } }), 'names joined by dots'],
    [
      'certificates that nobody must have',
      { authorization: { oauthAuthorizer: { enable: true }, certificates: [{ subject: 'x' }] } },
      'authorization.certificates needs frontend.tls.requireClientAuth',
    ],
    ['a certificate of nobody', { authorization: { certificates: [{ subject: '' }] } }, 'entry 1 needs a subject'],
    [
      'a certificate with a typing error',
      { authorization: { certificates: [{ subject: 'x', group: ['a'] } as never] } },
      'entry 1 has the unknown key group',
    ],
  ])('is refused with %s', (_, overrides, text) => {
    expect(() => load(overrides)).toThrow(text);
  });
});
