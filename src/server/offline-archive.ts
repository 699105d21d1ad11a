// An archive opened where it is, with no server: for `antiphon archive verify`. Given a region's store it also has what that region remembers as the
// newest manifest, so that a cut-off chain is noticed.
import { type ArchiveInspector, createArchiveInspector } from '#archival';
import { EntityNotExistsError } from '#base';
import { createBlobStores } from '#blob';
import { filesystemOpener } from '#blob/filesystem';
import { createRealEnv } from '#env';
import { createMemoryStore } from '#persistence/memory';
import { createSqliteStore } from '#persistence/sqlite';

export interface OfflineArchive {
  readonly inspector: ArchiveInspector;
  readonly name: { readonly uri: string; readonly domainId: string };
  close(): Promise<void>;
}

const DOMAINS_MAX = 10_000;

/** @throws EntityNotExistsError naming the domains that are there, when `domain` (a name or an id) is not. */
export async function openOfflineArchive(options: {
  uri: string;
  domain: string;
  cluster: string;
  /** That region's antiphon.db, opened read-only. */
  storeFile?: string | undefined;
}): Promise<OfflineArchive> {
  const env = createRealEnv();
  const blobs = createBlobStores({ file: filesystemOpener({ random: env.random }) });
  const ids = new Map<string, string>();
  const objects = blobs.open(options.uri);
  // Each domain has a pointer object from its id to its folder.
  for (const key of await objects.list('_domains/', { limit: DOMAINS_MAX })) {
    const content = Buffer.from((await objects.get(key)) ?? []).toString('utf8');
    const pointer = JSON.parse(content) as { domain: string; domainId: string };
    ids.set(pointer.domain, pointer.domainId);
  }
  const domainId = ids.get(options.domain) ?? [...ids.values()].find((id) => id === options.domain);
  if (domainId === undefined) {
    const known = ids.size > 0 ? `it has ${[...ids.keys()].join(', ')}` : 'it has no domain at all';
    throw new EntityNotExistsError(`The archive ${options.uri} holds nothing of a domain ${options.domain}: ${known}.`);
  }
  const store =
    options.storeFile === undefined
      ? createMemoryStore(env)
      : createSqliteStore({ path: options.storeFile, readOnly: true, schema: 'require' }, env);
  return {
    inspector: createArchiveInspector({ blobs, keyValues: store.keyValues }, { cluster: options.cluster }),
    name: { uri: options.uri, domainId },
    close: () => store.close(),
  };
}
