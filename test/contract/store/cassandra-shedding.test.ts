// A Cassandra that stood still: it answers the requests that aged in its queue meanwhile with an error, on a stream that is not theirs (CASSANDRA-21508).
// Each call must still get its own answer, or none.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { type CassandraSession, openCassandraSession } from '#persistence/cassandra';
import { stop } from '../../../scripts/services/runner.mjs';
import { serviceMissing, useService, variable } from '../../support/services.ts';
import { env } from './drivers.ts';

const INSTANCE = `shedding-${process.pid}`;
// One thread, so that there is a queue whenever the server is stopped.
const YAML = 'native_transport_max_threads: 1\nnative_transport_timeout: 1s';
const STOPS = 5;
const RUN_MS = 1_000;
const STOP_MS = 1_300;
const START_MS = 600_000;
const TEST_MS = 120_000;
const REQUEST_TIMEOUT_MS = 2_000;
const KEYS = 40;
const VALUE_BYTES = 20_000;
const CALLERS = 120;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const INSERT = 'INSERT INTO shedding.t (k, v) VALUES (?, ?)';

describe.skipIf(serviceMissing('cassandra') !== undefined)('a Cassandra that sheds requests', () => {
  let session: CassandraSession;
  let pid: number;

  beforeAll(async () => {
    const before = process.env.CASSANDRA_YAML;
    process.env.CASSANDRA_YAML = YAML;
    const service = await useService('cassandra', INSTANCE).finally(() => {
      if (before === undefined) delete process.env.CASSANDRA_YAML;
      else process.env.CASSANDRA_YAML = before;
    });
    pid = service.pid;
    const contactPoints = [variable(service, 'CASSANDRA_CONTACT_POINTS')];
    const localDataCenter = variable(service, 'CASSANDRA_LOCAL_DATACENTER');
    const patient = await openCassandraSession({ contactPoints, localDataCenter }, env);
    const replication = `{'class': 'NetworkTopologyStrategy', '${localDataCenter}': 1}`;
    await patient.define('keyspace', `CREATE KEYSPACE shedding WITH replication = ${replication}`);
    await patient.define('table', 'CREATE TABLE shedding.t (k int PRIMARY KEY, v blob)');
    for (let key = 0; key < KEYS; key++)
      await patient.write('fill', [{ query: INSERT, params: [key, Buffer.alloc(VALUE_BYTES, key)] }]);
    await patient.close();
    session = await openCassandraSession({ contactPoints, localDataCenter, requestTimeoutMs: REQUEST_TIMEOUT_MS }, env);
  }, START_MS);
  afterAll(async () => {
    await session?.close();
    await stop('cassandra', { instance: INSTANCE, remove: true });
  }, START_MS);

  it(
    'gives each read its own rows and each condition its own answer, or none',
    async () => {
      let [answered, unanswered] = [0, 0];
      const wrong: string[] = [];
      const readOne = async (key: number): Promise<void> => {
        const rows = await session.read<{ k: number }>('read', 'SELECT k, v FROM shedding.t WHERE k = ?', [key]);
        if (rows.length !== 1 || rows[0]?.k !== key) wrong.push(`read of ${key}: ${rows.map(({ k }) => k)}`);
      };
      /** Never applied: the key is there. */
      const insertOne = async (key: number): Promise<void> => {
        const query = `${INSERT} IF NOT EXISTS`;
        const { isApplied, rows } = await session.compareAndSet('insert', [{ query, params: [key, Buffer.alloc(1)] }]);
        if (isApplied || rows[0]?.k !== key) wrong.push(`insert of ${key}: ${isApplied} ${rows[0]?.k}`);
      };
      let isOver = false;
      const caller = async (index: number): Promise<void> => {
        for (let call = 0; !isOver; call++) {
          const key = (index + call) % KEYS;
          try {
            await (call % 3 === 0 ? insertOne(key) : readOne(key));
            answered++;
          } catch (error) {
            if (!isStoreError(error, 'Timeout') && !isStoreError(error, 'Unavailable')) throw error;
            unanswered++;
            await pause(20);
          }
        }
      };
      const callers = Array.from({ length: CALLERS }, (_, index) => caller(index));
      for (let stops = 0; stops < STOPS; stops++) {
        await pause(RUN_MS);
        process.kill(pid, 'SIGSTOP');
        await pause(STOP_MS);
        process.kill(pid, 'SIGCONT');
      }
      isOver = true;
      await Promise.all(callers);
      expect(wrong).toEqual([]);
      expect([answered > 0, unanswered > 0]).toEqual([true, true]);
    },
    TEST_MS,
  );
});
