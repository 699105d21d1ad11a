// A server on Cassandra: it refuses to start without its schema and names the command that helps; with it workflows run, are found by the basic
// filters, and go on after a restart.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRealEnv } from '#env';
import { type CassandraPlace, dropKeyspacesAt } from '../../support/cassandra-keyspace-at.ts';
import { cassandraPlace } from '../../support/cassandra-place.ts';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import { serviceMissing } from '../../support/services.ts';
import { createServerOnStore, listedIds, orderOverRestart } from './server-on-store.ts';

const FIRST_START_MS = 600_000;
const cli = createInProcessCli('127.0.0.1:1');
const keyspace = `server_${randomBytes(5).toString('hex')}`;
const visibilityKeyspace = `${keyspace}_visibility`;

describe.skipIf(serviceMissing('cassandra') !== undefined)('a server on cassandra', () => {
  let place: CassandraPlace;
  const server = createServerOnStore(() => ({
    driver: 'cassandra',
    cassandra: { ...place, keyspace, visibilityKeyspace },
  }));

  beforeAll(async () => {
    place = await cassandraPlace();
  }, FIRST_START_MS);
  afterEach(server.stop);
  afterAll(() => dropKeyspacesAt(place, [keyspace, visibilityKeyspace], createRealEnv()), FIRST_START_MS);

  it('refuses to start without its schema, naming the commands that make it', async () => {
    const where = ['--datacenter', place.localDataCenter];
    for (const part of [visibilityKeyspace, keyspace]) {
      const error = await server.start().catch((reason: unknown) => reason);
      const [, setup] = /run "antiphon (schema setup .*)"$/.exec(String(error)) ?? [];
      expect(setup, String(error)).toContain(part);
      const refused = await cli.run(...(setup as string).split(' '), ...where);
      expect(refused.code).toBe(4);
      const [, create] = /run "antiphon (schema create .*)"/.exec(refused.stderr) ?? [];
      await cli.ok(...(create as string).split(' '), ...where, '--rf', '1');
      await cli.ok(...(setup as string).split(' '), ...where);
    }
    await server.start();
  }, 120_000);

  it('runs workflows, finds them, and goes on with them after a restart', async () => {
    const client = await orderOverRestart(server);
    const found = (query: string): Promise<string[]> => listedIds(client, query);
    expect((await found('CloseStatus = 0 ORDER BY CloseTime DESC')).at(-1)).toBe('order tea');
    expect(await found("WorkflowID = 'order Käse ☕'")).toEqual(['order Käse ☕']);
    expect(await found("CustomKeywordField = 'cake' AND CloseTime != missing ORDER BY CloseTime DESC")).toEqual([
      'order cake',
    ]);
    await expect(found("CustomKeywordField = 'cake'")).rejects.toThrow(/OpenSearch/);
  }, 120_000);
});
