// Opens blob stores by URI scheme. Which schemes there are is decided in src/server; one store object serves all who open one URI.
import { badRequest } from '#base';
import type { BlobStore, BlobStores } from './ports.ts';

export type BlobStoreOpener = (url: URL) => BlobStore;

export function createBlobStores(openers: Readonly<Record<string, BlobStoreOpener>>): BlobStores {
  const opened = new Map<string, BlobStore>();
  return {
    open(uri) {
      const known = opened.get(uri);
      if (known !== undefined) return known;
      if (!URL.canParse(uri)) throw badRequest(`Invalid archival URI: ${uri}`);
      const url = new URL(uri);
      const opener = openers[url.protocol.slice(0, -1)];
      if (opener === undefined) throw badRequest(`Archival URI scheme is not supported: ${url.protocol}//`);
      const store = opener(url);
      opened.set(uri, store);
      return store;
    },
  };
}
