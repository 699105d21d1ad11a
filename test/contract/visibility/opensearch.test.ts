// What is OpenSearch's own beside the port's contract, on the real server: bulks in parts, documents that the index refuses, nodes that are gone, and
// the versions of the index.
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requireSchema } from '#persistence';
import {
  createOpenSearchClient,
  createOpenSearchSchemaTarget,
  createOpenSearchVisibility,
  type OpenSearchClient,
  type OpenSearchConnection,
  type VisibilityStore,
} from '#visibility';
import { serviceMissing } from '../../support/services.ts';
import { timerEnv as env, makeIndex, OPEN_MS, openSearchConnection, T0 } from './drivers.ts';
import { attributes, DOMAIN, recordsAt } from './records.ts';

const everything = { kind: 'query', query: '' } as const;
const record = recordsAt(T0);

/** A port where nobody listens. */
async function deadUrl(): Promise<string> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe.skipIf(serviceMissing('opensearch') !== undefined)('visibility in OpenSearch', () => {
  let connection: OpenSearchConnection;
  let client: OpenSearchClient;
  let index: string;
  let store: VisibilityStore;

  beforeAll(async () => {
    connection = await openSearchConnection();
    client = createOpenSearchClient(env, connection);
  }, OPEN_MS);
  afterAll(() => client?.close());
  beforeEach(async () => {
    index = await makeIndex(connection);
    store = createOpenSearchVisibility(env, { connection, index, refresh: 'true' });
  });
  afterEach(async () => {
    await store.close();
    await client.send('DELETE', `/${index}`);
  });

  it('writes more than fits into one request', async () => {
    const memo = { fields: { note: { data: Buffer.alloc(400_000, 7) } } };
    const records = Array.from({ length: 30 }, (_, number) => record(`w${number}`, { memo }));
    await store.upsert(records);
    expect(await store.count(DOMAIN, '')).toBe(30);
    const { records: found } = await store.list(DOMAIN, everything, { size: 30 });
    expect(found.every(({ memo }) => memo?.fields.note?.data.length === 400_000)).toBe(true);
  });

  it('lists a run without attributes that the index refuses, and the others with theirs', async () => {
    await store.upsert([record('first', { searchAttributes: attributes({ CustomKeywordField: 'x' }) })]);
    // Fewer than there are: none can be added.
    const limit = { index: { mapping: { total_fields: { limit: 20 } } } };
    expect((await client.send('PUT', `/${index}/_settings`, limit)).status).toBe(200);
    await store.upsert([
      record('full', { searchAttributes: attributes({ CustomIntField: 5 }) }),
      record('fits', { searchAttributes: attributes({ CustomKeywordField: 'x' }) }),
    ]);
    const ids = async (query: string): Promise<string[]> =>
      (await store.list(DOMAIN, { kind: 'query', query }, { size: 10 })).records
        .map(({ workflowId }) => workflowId)
        .sort();
    expect(await ids('')).toEqual(['first', 'fits', 'full']);
    expect(await ids("CustomKeywordField = 'x'")).toEqual(['first', 'fits']);
    expect(await ids('CustomIntField = 5')).toEqual([]);
    // What it was given is still what it gives back.
    const { records } = await store.list(DOMAIN, { kind: 'query', query: "WorkflowID = 'full'" }, { size: 1 });
    expect(records[0]?.searchAttributes?.indexedFields).toHaveProperty('CustomIntField');
  });

  it('goes on with the nodes that answer', async () => {
    const urls = [await deadUrl(), ...connection.urls];
    const both = createOpenSearchVisibility(env, { connection: { ...connection, urls }, index, refresh: 'true' });
    await both.upsert([record('w')]);
    for (let call = 0; call < 4; call++) expect(await both.count(DOMAIN, '')).toBe(1);
    await both.close();
  });

  it('fails at once for a while when no node answers, as something to try again', async () => {
    const urls = [await deadUrl()];
    const none = createOpenSearchVisibility(env, { connection: { ...connection, urls }, index });
    await expect(none.upsert([record('w')])).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await expect(none.count(DOMAIN, '')).rejects.toThrow('did not answer just now');
    await none.close();
  });

  it('has versions that a server asks for, and takes no index of others for its own', async () => {
    const target = (name: string) => createOpenSearchSchemaTarget(env, { connection, index: name });
    await requireSchema(target(index));
    await expect(requireSchema(target(`${index}-x`))).rejects.toThrow(
      /lacks schema version 1: run "antiphon schema setup/,
    );
    await client.send('PUT', `/${index}-foreign`, { settings: { index: { number_of_replicas: 0 } } });
    try {
      await expect(requireSchema(target(`${index}-foreign`))).rejects.toThrow('was not made by Antiphon');
    } finally {
      await client.send('DELETE', `/${index}-foreign`);
    }
  });
});
