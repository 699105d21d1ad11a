// TLS of the connections to stores and to OpenSearch, through the drivers themselves: what they check before they say who they are. A certificate of
// somebody else's authority is never accepted; its name is checked unless host verification is off.
import fs from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectionTls } from '#config';
import { createRealEnv } from '#env';
import { createOpenSearchClient } from '#visibility';
import { openCassandraSession } from '../../../src/persistence/cassandra/session.ts';
import { connectMysql } from '../../../src/persistence/mysql/connection.ts';
import { connectPostgres } from '../../../src/persistence/postgres/connection.ts';
import { createTlsRegistry } from '../../../src/server/tls.ts';
import { createPki, hasOpenssl } from '../../support/security/certificates.ts';
import { listenTls, type Preamble, type TlsListener } from '../../support/security/tls-listener.ts';

type Tls = (() => ConnectionOptions) | undefined;

interface Driver {
  readonly name: string;
  readonly preamble: Preamble;
  connect(host: string, port: number, tls: Tls): Promise<unknown>;
}

const env = createRealEnv();
const account = { database: 'antiphon', user: 'antiphon', password: 'secret', timeoutMs: 5_000 };

const connectCassandra = (contactPoints: readonly string[], tls: Tls) =>
  openCassandraSession({ contactPoints, localDataCenter: 'datacenter1', tls, requestTimeoutMs: 300 }, env);

const DRIVERS: readonly Driver[] = [
  { name: 'Cassandra', preamble: 'none', connect: (host, port, tls) => connectCassandra([`${host}:${port}`], tls) },
  {
    name: 'PostgreSQL',
    preamble: 'postgres',
    connect: (host, port, tls) => connectPostgres({ ...account, host, port, tls }),
  },
  { name: 'MySQL', preamble: 'mysql', connect: (host, port, tls) => connectMysql({ ...account, host, port, tls }) },
  {
    name: 'OpenSearch',
    preamble: 'none',
    connect: (host, port, tls) =>
      createOpenSearchClient(env, { urls: [`https://${host}:${port}`], tls, timeoutMs: 5_000 }).send('GET', '/'),
  },
];

const NAME = 'db.example';
const pki = createPki();
const strangers = createPki();
const listeners: TlsListener[] = [];

const listen = async (hosts: readonly string[], preamble: Preamble): Promise<TlsListener> => {
  const listener = await listenTls(pki, await pki.server('server', hosts), preamble);
  listeners.push(listener);
  return listener;
};

const optionsOf = (tls: Partial<ConnectionTls>): Tls => {
  const registry = createTlsRegistry(env);
  try {
    return registry.options({ enabled: true, ...tls });
  } finally {
    registry.close();
  }
};

beforeAll(async () => {
  if (hasOpenssl) await strangers.server();
});
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});
afterAll(() => {
  pki.remove();
  strangers.remove();
});

describe.skipIf(!hasOpenssl).each(DRIVERS)('the connection to $name over TLS', ({ preamble, connect }) => {
  /** Whether the driver spoke to a server whose certificate has these hosts, or why not. It fails in any case, as the server hangs up. */
  const speaks = async (hosts: readonly string[], tls: Partial<ConnectionTls>, host = '127.0.0.1') => {
    const listener = await listen(hosts, preamble);
    const failure = await connect(host, listener.port, optionsOf({ caFile: pki.ca, ...tls })).then(
      () => 'no failure',
      (error: Error) => error.message,
    );
    return listener.heard.length > 0 ? 'spoke' : failure;
  };

  it('goes on when the certificate is of the authority and has the host', async () => {
    expect(await speaks(['127.0.0.1'], {})).toBe('spoke');
  });

  it('goes on when the certificate has the name that is configured', async () => {
    expect(await speaks([NAME], { serverName: NAME })).toBe('spoke');
    expect(await speaks([NAME], { serverName: NAME }, 'localhost')).toBe('spoke');
  });

  it('stops before it logs in when the certificate has another name', async () => {
    expect(await speaks([NAME], {})).toMatch(/does not match certificate|not in the cert/);
    expect(await speaks([NAME], {}, 'localhost')).toMatch(/does not match certificate/);
    expect(await speaks(['127.0.0.1', 'localhost'], { serverName: NAME })).toMatch(/does not match certificate/);
  });

  it('takes any name without host verification', async () => {
    expect(await speaks([NAME], { enableHostVerification: false })).toBe('spoke');
  });

  it('takes no certificate of another authority, with host verification or without', async () => {
    const unknown = /self.signed certificate|unable to (get local issuer|verify)/;
    expect(await speaks(['127.0.0.1'], { caFile: strangers.ca })).toMatch(unknown);
    expect(await speaks(['127.0.0.1'], { caFile: strangers.ca, enableHostVerification: false })).toMatch(unknown);
  });

  it('shows its own certificate', async () => {
    const listener = await listen(['127.0.0.1'], preamble);
    const tls = optionsOf({ caFiles: [pki.ca], ...(await pki.client('region-a')) });
    await expect(connect('127.0.0.1', listener.port, tls)).rejects.toThrow();
    expect(listener.heard[0]).toBe('region-a');
  });
});

describe.skipIf(!hasOpenssl)('a session of Cassandra', () => {
  it('shows the renewed certificate at its next connection', async () => {
    const nodes = [await listen(['127.0.0.1'], 'none'), await listen(['127.0.0.1'], 'none')];
    const optionsWith = async (name: string): Promise<ConnectionOptions> => {
      const { certFile, keyFile } = await pki.client(name);
      return { ca: fs.readFileSync(pki.ca), cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile) };
    };
    const [old, renewed] = [await optionsWith('old'), await optionsWith('renewed')];
    const isRenewed = (): boolean => nodes.some(({ heard }) => heard.length > 0);
    const tls = (): ConnectionOptions => (isRenewed() ? renewed : old);
    await expect(
      connectCassandra(
        nodes.map(({ port }) => `127.0.0.1:${port}`),
        tls,
      ),
    ).rejects.toThrow();
    expect(nodes.flatMap(({ heard }) => heard).toSorted()).toEqual(['old', 'renewed']);
  });
});
