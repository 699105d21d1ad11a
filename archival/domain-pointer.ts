// The pointer from a domain id to its folder, so that an archive can be listed by id alone. Written once per domain and bucket; both
// regions write the same bytes.
import { dataInconsistency } from '#base';
import { BlobAlreadyExists, type BlobStore } from '#blob';
import { domainFolder, domainPointerKey } from './layout.ts';

export interface DomainPointer {
  readonly domain: string;
  readonly domainId: string;
  readonly folder: string;
}

export async function findDomainPointer(store: BlobStore, domainId: string): Promise<DomainPointer | undefined> {
  const bytes = await store.get(domainPointerKey(domainId));
  if (bytes === undefined) return undefined;
  const pointer: DomainPointer = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (pointer.domainId !== domainId || typeof pointer.folder !== 'string') {
    throw dataInconsistency(`Archive pointer of domain ${domainId} is malformed.`);
  }
  return pointer;
}

export async function ensureDomainPointer(
  store: BlobStore,
  domain: { readonly id: string; readonly name: string },
): Promise<DomainPointer> {
  const found = await findDomainPointer(store, domain.id);
  if (found !== undefined) return found;
  const pointer = { domain: domain.name, domainId: domain.id, folder: domainFolder(domain.name, domain.id) };
  try {
    await store.put(domainPointerKey(domain.id), Buffer.from(`${JSON.stringify(pointer, null, 2)}\n`));
  } catch (error) {
    if (!(error instanceof BlobAlreadyExists)) throw error;
  }
  return pointer;
}
