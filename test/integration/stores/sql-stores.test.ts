// A server on PostgreSQL and on MariaDB: it refuses to start without its schema and names the command that helps; with it workflows run, are found,
// and go on after a restart.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import { serviceMissing } from '../../support/services.ts';
import { nameTestDatabase, SQL_STORES, serviceOf, type TestDatabase } from '../../support/sql-databases.ts';
import { createServerOnStore, listedIds, orderOverRestart } from './server-on-store.ts';

const FIRST_START_MS = 600_000;
const cli = createInProcessCli('127.0.0.1:1');

describe.each(SQL_STORES)('a server on %s', (name) => {
  const missing = serviceMissing(serviceOf(name));
  let database: TestDatabase;
  const server = createServerOnStore(() => {
    const { host, port, user, password, database: title } = database.options;
    return { driver: name, [name]: { host, port, user, password, database: title } };
  });

  beforeAll(async () => {
    if (missing === undefined) database = await nameTestDatabase(name);
  }, FIRST_START_MS);
  afterEach(server.stop);
  afterAll(async () => {
    if (missing === undefined) await database.drop();
  });

  it.skipIf(missing !== undefined)(
    'refuses to start without its schema, naming the commands that make it',
    async () => {
      const { password } = database.options;
      const command = async (): Promise<readonly string[]> => {
        const error = await server.start().catch((reason: unknown) => reason);
        const [, found] = /run "antiphon (schema .*)"$/.exec(String(error)) ?? [];
        expect(found, String(error)).toBeDefined();
        return [...(found as string).split(' '), '--password', password];
      };
      const refused = await cli.run(...(await command()));
      expect(refused.code).toBe(4);
      const [, create] = /run "antiphon (schema create .*)"/.exec(refused.stderr) ?? [];
      await cli.ok(...(create as string).split(' '), '--password', password);
      await cli.ok(...(await command()));
      await server.start();
    },
  );

  it.skipIf(missing !== undefined)('runs workflows, finds them, and goes on with them after a restart', async () => {
    const client = await orderOverRestart(server);
    const found = async (query: string): Promise<string[]> => (await listedIds(client, query)).sort();
    expect(await found("CustomKeywordField = 'cake'")).toEqual(['order cake']);
    expect(await found("CustomStringField = 'nice tea' OR WorkflowID LIKE '%☕'")).toEqual([
      'order Käse ☕',
      'order tea',
    ]);
    expect(await client.workflow.count("CustomKeywordField = 'food' AND CloseTime != missing")).toBe(3);
  });
});
