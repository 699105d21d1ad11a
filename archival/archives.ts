// Opens the archive of a domain under a URI: its store, its folder and its chain, each made once per process.
import { badRequest } from '#base';
import type { BlobStore, BlobStores } from '#blob';
import type { KeyValueStore } from '#persistence';
import { type Chain, createChain } from './chain.ts';
import { ensureDomainPointer, findDomainPointer } from './domain-pointer.ts';
import { type ArchiveFolder, archiveFolder } from './layout.ts';
import { createLocators, type Locators } from './locator.ts';

export interface DomainArchive {
  readonly uri: string;
  readonly domain: string;
  readonly domainId: string;
  readonly store: BlobStore;
  readonly folder: ArchiveFolder;
  readonly chain: Chain;
}

export interface Archives {
  readonly locators: Locators;
  readonly keyValues: KeyValueStore;
  open(uri: string): BlobStore;
  /** Makes the domain's folder when there is none. */
  ofDomain(uri: string, domain: { readonly id: string; readonly name: string }): Promise<DomainArchive>;
  /** undefined: nothing of this domain is archived there. */
  findOfDomain(uri: string, domainId: string): Promise<DomainArchive | undefined>;
}

export function createArchives(
  deps: { blobs: BlobStores; keyValues: KeyValueStore },
  options: { cluster: string },
): Archives {
  const { blobs, keyValues } = deps;
  const locators = createLocators(keyValues);
  const opened = new Map<string, DomainArchive>();
  const openStore = (uri: string): BlobStore => {
    if (uri === '') throw badRequest('Domain is not configured for archival.');
    return blobs.open(uri);
  };
  const open = (uri: string, pointer: { domain: string; domainId: string; folder: string }): DomainArchive => {
    const key = `${uri}\n${pointer.domainId}`;
    const known = opened.get(key);
    if (known !== undefined) return known;
    const store = openStore(uri);
    const folder = archiveFolder(pointer.folder, options.cluster);
    const chain = createChain({ store, keyValues, locators }, { uri, folder });
    const archive = { uri, domain: pointer.domain, domainId: pointer.domainId, store, folder, chain };
    opened.set(key, archive);
    return archive;
  };
  return {
    locators,
    keyValues,
    open: openStore,
    async ofDomain(uri, domain) {
      const known = opened.get(`${uri}\n${domain.id}`);
      return known ?? open(uri, await ensureDomainPointer(openStore(uri), domain));
    },
    async findOfDomain(uri, domainId) {
      const known = opened.get(`${uri}\n${domainId}`);
      if (known !== undefined) return known;
      const pointer = await findDomainPointer(openStore(uri), domainId);
      return pointer === undefined ? undefined : open(uri, pointer);
    },
  };
}
