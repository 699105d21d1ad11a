// The index of visibility records, for the schema tool and for servers that ask whether it is at this release's version. The versions are kept in the
// `_meta` of its mapping, so that an index and its versions are made, and removed, as one.
import { StoreError } from '#base';
import type { Env } from '#env';
import type { AppliedVersion, SchemaTarget, SchemaVersion } from '#persistence';
import { createOpenSearchClient, type OpenSearchConnection, reasonOf } from './http-client.ts';

export interface OpenSearchSchemaOptions {
  readonly connection: OpenSearchConnection;
  readonly index: string;
  /** Of a new index; the schema's own when left out. */
  readonly shards?: number | undefined;
  readonly replicas?: number | undefined;
}

interface IndexBody {
  readonly settings?: { readonly index: Readonly<Record<string, unknown>> };
  readonly mappings: Readonly<Record<string, unknown>>;
}

interface VersionsMeta {
  readonly _meta?: { readonly antiphon?: { readonly versions: readonly AppliedVersion[] } };
}

const NOT_FOUND = 404;
export function createOpenSearchSchemaTarget(env: Env, options: OpenSearchSchemaOptions): SchemaTarget {
  const { index, connection, shards, replicas } = options;
  const client = createOpenSearchClient(env, connection);
  const request = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await client.send(method, path, body);
    if (answer.status < 300) return answer.body;
    throw new StoreError(
      'Unavailable',
      `${method} ${path} is answered with ${answer.status}: ${reasonOf(answer.body)}`,
    );
  };

  const appliedVersions = async (): Promise<readonly AppliedVersion[] | undefined> => {
    const { status, body } = await client.send('GET', `/${index}/_mapping`);
    if (status === NOT_FOUND) return undefined;
    if (status >= 300) throw new StoreError('Unavailable', `the index ${index} answers ${status}: ${reasonOf(body)}`);
    // By the name of the index, which is another one when ours is an alias.
    const [found] = Object.values(body as Record<string, { readonly mappings: VersionsMeta }>);
    const versions = found?.mappings._meta?.antiphon?.versions;
    if (versions !== undefined) return versions;
    throw new StoreError(
      'ConditionFailed',
      `the index ${index} is there and was not made by Antiphon: choose another name`,
    );
  };

  const create = async ({ settings, mappings }: IndexBody, meta: VersionsMeta): Promise<void> => {
    const own = {
      ...settings?.index,
      ...(shards !== undefined && { number_of_shards: shards }),
      ...(replicas !== undefined && { number_of_replicas: replicas }),
    };
    await request('PUT', `/${index}`, { settings: { index: own }, mappings: { ...mappings, ...meta } });
  };

  return {
    schema: 'opensearch',
    name: `the index ${index} at ${connection.urls.join(', ')}`,
    flags: `--store opensearch --url ${connection.urls.join(',')} --index ${index}`,
    appliedVersions,
    // The versions are part of the index, which the first version makes.
    setup: async () => {},
    // Each version is one request: of two tools that make an index one is refused, and fields that are added twice are the same.
    locked: (use) => use(),
    async apply(version: SchemaVersion, nowMs: number): Promise<void> {
      const body = JSON.parse(version.text) as IndexBody; // of the package, by its manifest
      const { description, sha256 } = version;
      const row: AppliedVersion = { version: version.version, description, sha256, appliedMs: nowMs };
      const applied = (await appliedVersions()) ?? [];
      const meta: VersionsMeta = { _meta: { antiphon: { versions: [...applied, row] } } };
      if (applied.length === 0) await create(body, meta);
      else await request('PUT', `/${index}/_mapping`, { ...body.mappings, ...meta });
    },
    close: async () => client.close(),
  };
}
