// Which visibility a server writes and reads: its store's own, an index of OpenSearch, or both.
import { openSearchAuthorization, type VisibilityConfig } from '#config';
import type { Env } from '#env';
import { requireSchema } from '#persistence';
import {
  createDualVisibility,
  createOpenSearchSchemaTarget,
  createOpenSearchVisibility,
  type OpenSearchConnection,
  type SearchAttributeSource,
  type VisibilityStore,
} from '#visibility';
import type { TlsRegistry } from './tls.ts';

export function openSearchConnection(
  opensearch: VisibilityConfig['opensearch'],
  tls: TlsRegistry,
): OpenSearchConnection {
  return {
    urls: opensearch.urls,
    authorization: openSearchAuthorization(opensearch),
    timeoutMs: opensearch.timeoutMs,
    tls: tls.options(opensearch.tls),
  };
}

/** Refuses to start on an index that lacks this release's schema, naming the command that makes it. */
export async function openVisibility(
  config: VisibilityConfig,
  own: VisibilityStore,
  deps: { readonly env: Env; readonly tls: TlsRegistry; readonly searchAttributes: SearchAttributeSource },
): Promise<VisibilityStore> {
  if (config.write === 'store') return own;
  const { env, tls, searchAttributes } = deps;
  const connection = openSearchConnection(config.opensearch, tls);
  const { index } = config.opensearch;
  const target = createOpenSearchSchemaTarget(env, { connection, index });
  try {
    await requireSchema(target);
  } finally {
    await target.close();
  }
  const indexed = createOpenSearchVisibility(env, {
    connection,
    index,
    searchAttributes: () => searchAttributes.current(),
  });
  if (config.write === 'both') {
    return config.read === 'store' ? createDualVisibility(own, indexed) : createDualVisibility(indexed, own);
  }
  await own.close();
  return indexed;
}
