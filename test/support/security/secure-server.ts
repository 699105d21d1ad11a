// A whole server on memory whose calls are authenticated, with two tenants: `shop`, whose groups the roles below are in, and `other`.
import { RegisterDomainRequest } from '@antiphon/proto';
import { type ConfigOverrides, loadConfig } from '#config';
import { createRealEnv, type Env } from '#env';
import { type ClientTls, createCertificateFiles, createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { type RunningServer, startServer } from '#server';
import { createSigningKey, nowSeconds, type SigningKey } from './tokens.ts';

export const GROUPS = {
  shop: { READ_GROUPS: 'shop-read auditors', WRITE_GROUPS: 'shop-write', PROCESS_GROUPS: 'shop-process' },
  other: { READ_GROUPS: 'other-read', WRITE_GROUPS: 'other-write', PROCESS_GROUPS: 'other-process' },
} as const;

export const ROLES = [
  'no token',
  'expired',
  'wrong signature',
  'no group',
  'other reader',
  'other writer',
  'other process',
  'reader',
  'writer',
  'process',
  'admin',
] as const;
export type Role = (typeof ROLES)[number];

export interface SecureServer {
  readonly running: RunningServer;
  readonly key: SigningKey;
  token(role: Role): Promise<string>;
  client(role: Role): RemoteFrontendClient;
  clientWith(token: string, headers?: Readonly<Record<string, string>>): RemoteFrontendClient;
  stop(): Promise<void>;
}

const clientTls = (caFiles: readonly string[], env: Env): ClientTls => ({
  files: createCertificateFiles({ certFile: '', keyFile: '', caFiles }, env),
  serverName: '',
  enableHostVerification: true,
});

const MEMBERSHIP: Readonly<Partial<Record<Role, readonly string[]>>> = {
  'other reader': ['other-read'],
  'other writer': ['other-write'],
  'other process': ['other-process'],
  reader: ['shop-read'],
  writer: ['shop-write'],
  process: ['shop-process'],
};

/** `authorities`: certificates that the server's is of, where it has TLS. */
export async function startSecureServer(
  overrides: ConfigOverrides = {},
  authorities: readonly string[] = [],
): Promise<SecureServer> {
  const key = await createSigningKey();
  const stranger = await createSigningKey();
  const running = await startServer(
    loadConfig({
      environment: {},
      overrides: {
        ...overrides,
        frontend: { address: '127.0.0.1:0', ...overrides.frontend },
        metrics: { address: '', ...overrides.metrics },
        persistence: { driver: 'memory', ...overrides.persistence },
        log: { level: 'silent', ...overrides.log },
        authorization: {
          oauthAuthorizer: {
            enable: true,
            maxJwtTTL: 3600,
            jwtCredentials: { algorithm: 'RS256', publicKey: key.publicFile },
          },
          ...overrides.authorization,
        },
      },
    }),
  );
  const tokens = new Map<Role, string>([
    ['no token', ''],
    ['expired', key.raw({ sub: 'late', admin: true, exp: nowSeconds() - 60 })],
    ['wrong signature', stranger.raw({ sub: 'mallory', admin: true, exp: nowSeconds() + 600 })],
    ['admin', await key.token({ subject: 'root', admin: true })],
  ]);
  for (const role of ROLES) {
    if (!tokens.has(role)) tokens.set(role, await key.token({ subject: role, groups: MEMBERSHIP[role] ?? [] }));
  }
  const env = createRealEnv();
  const opened: { close(): void }[] = [];
  const tls = authorities.length === 0 ? undefined : clientTls(authorities, env);
  if (tls !== undefined) opened.push(tls.files);
  const clientWith = (token: string, headers: Readonly<Record<string, string>> = {}): RemoteFrontendClient => {
    const client = createRemoteFrontendClient(running.address, {
      env,
      headers,
      tls,
      ...(token === '' ? {} : { authorization: token }),
    });
    opened.push(client);
    return client;
  };
  const clients = new Map(ROLES.map((role) => [role, clientWith(tokens.get(role) ?? '')]));
  const client = (role: Role): RemoteFrontendClient => clients.get(role) as RemoteFrontendClient; // Made for every role above.
  for (const [name, data] of Object.entries(GROUPS)) {
    await client('admin').domain.registerDomain(
      RegisterDomainRequest.fromPartial({
        name,
        data,
        workflowExecutionRetentionPeriod: { seconds: 86_400n, nanos: 0 },
      }),
    );
  }
  return {
    running,
    key,
    token: async (role) => tokens.get(role) ?? '',
    client,
    clientWith,
    async stop() {
      for (const one of opened) one.close();
      await running.stop();
      key.remove();
      stranger.remove();
    },
  };
}
