// A session over outages of its servers: every read is refused as Unavailable or answered, the driver finds a server again each time, by one refresh and
// with one connection, and nothing is thrown that nobody handles (it would end the process). The servers are of this process, so that they go away and
// come back within milliseconds.
import { Client } from 'cassandra-driver';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isStoreError } from '#base';
import { createRealEnv, type Logger } from '#env';
import { type CassandraSession, openCassandraSession } from '#persistence/cassandra';
import { mendControlConnection } from '../../../src/persistence/cassandra/control-connection.ts';
import {
  ANSWER,
  DATA_CENTER,
  type NativeProtocolServer,
  startNativeProtocolServer,
} from '../../support/native-protocol-server.ts';

const OUTAGES = 4;
const PATIENCE = { timeout: 20_000, interval: 10 };
// Long enough for the second of two refreshes.
const QUIET_MS = 300;
const TEST_MS = 60_000;

describe('a Cassandra session', () => {
  const servers: NativeProtocolServer[] = [];
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  let session: CassandraSession | undefined;
  const startServer = async (): Promise<NativeProtocolServer> => {
    const server = await startNativeProtocolServer();
    servers.push(server);
    return server;
  };
  const addressOf = ({ port }: NativeProtocolServer): string => `127.0.0.1:${port}`;
  const openSession = async (...contacts: NativeProtocolServer[]): Promise<void> => {
    const contactPoints = contacts.map(addressOf);
    session = await openCassandraSession({ contactPoints, localDataCenter: DATA_CENTER }, createRealEnv());
  };
  const read = async () => session?.read('read', 'SELECT answer FROM ks.table', []);
  const expectAnswer = async (): Promise<void> => expect(await read()).toMatchObject([{ answer: ANSWER }]);
  const expectUnavailable = (): Promise<void> =>
    expect(read()).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
  /** Until reads are answered and the events of the cluster come again. */
  const untilFound = async (server: NativeProtocolServer, registrations: number): Promise<void> => {
    await vi.waitFor(expectAnswer, PATIENCE);
    await vi.waitFor(() => expect(server.registrations).toBeGreaterThan(registrations), PATIENCE);
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  };

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    await session?.close();
    session = undefined;
    for (const server of servers.splice(0)) await server.goAway();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  const outages = async (server: NativeProtocolServer, count: number): Promise<void> => {
    for (let outage = 1; outage <= count; outage++) {
      await server.goAway();
      await expectUnavailable();
      const { registrations } = server;
      await server.comeBack();
      await untilFound(server, registrations);
      expect([outage, server.registrations - registrations, server.connections]).toEqual([outage, 1, 1]);
    }
  };

  it(
    'finds its only server again after each outage, by one refresh and with one connection',
    async () => {
      const server = await startServer();
      await openSession(server);
      await expectAnswer();
      await outages(server, OUTAGES);
    },
    TEST_MS,
  );

  it('takes an answer without rows for no read, and one that says nothing of a condition for an unknown outcome', async () => {
    await openSession(await startServer());
    const [select, insert] = ['SELECT answer FROM ks.table', 'INSERT INTO ks.table (answer) VALUES (1)'];
    await expect(session?.read('read', insert, [])).rejects.toSatisfy((error) => isStoreError(error, 'Unavailable'));
    for (const query of [insert, select]) {
      const conditional = session?.compareAndSet('commit', [{ query, params: [] }]);
      await expect(conditional).rejects.toSatisfy((error) => isStoreError(error, 'Timeout'));
    }
  });

  it(
    'goes over to a contact point that is no known host when those are gone, and stays with it over its outages',
    async () => {
      const [before, after] = [await startServer(), await startServer()];
      await after.goAway();
      await openSession(before, after);
      await expectAnswer();
      await before.goAway();
      await expectUnavailable();
      await after.comeBack();
      await untilFound(after, 0);
      expect(after.connections).toBe(1);
      await outages(after, 3);
    },
    TEST_MS,
  );

  it(
    'logs what a refresh fails with that the driver does not foresee, and tries again',
    async () => {
      const errors: string[] = [];
      const { logger } = createRealEnv();
      const recording: Logger = { ...logger, error: (message, fields) => errors.push(`${message}: ${fields?.reason}`) };
      const server = await startServer();
      const client = new Client({ contactPoints: [addressOf(server)], localDataCenter: DATA_CENTER });
      mendControlConnection(client, createRealEnv({ logger: recording }));
      await client.connect();
      // The last that a refresh does; whom it tells of its end is the only code of ours in it.
      let failures = 2;
      client.on('log', (_level: string, _source: string, message: string) => {
        if (message.endsWith('up to date') && failures-- > 0) throw new TypeError('a listener broke');
      });
      const { registrations } = server;
      await server.goAway();
      await server.comeBack();
      await vi.waitFor(() => expect(server.registrations).toBe(registrations + 3), PATIENCE);
      expect(errors).toHaveLength(2);
      for (const error of errors) expect(error).toContain('TypeError: a listener broke');
      await client.shutdown();
    },
    TEST_MS,
  );
});
