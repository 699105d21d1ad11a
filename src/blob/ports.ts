// Long-term objects. Keys are /-separated, relative, ASCII. An object is written once and never changed.

export interface BlobStore {
  /** Fails with AlreadyExists when the key is taken; durable when it resolves. */
  put(
    key: string,
    content: Uint8Array,
    options?: { readonly contentType?: string; readonly contentEncoding?: string },
  ): Promise<void>;
  /** undefined: no such object. */
  get(key: string): Promise<Uint8Array | undefined>;
  exists(key: string): Promise<boolean>;
  /** Keys under the prefix in ascending order, after `afterKey`. */
  list(prefix: string, options: { readonly afterKey?: string; readonly limit: number }): Promise<readonly string[]>;
  remove(key: string): Promise<void>;
}

export class BlobAlreadyExists extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`object ${key} exists already`);
    this.name = 'BlobAlreadyExists';
    this.key = key;
  }
}

/** Opens the store that an archival URI names (`file:///path`, later `s3://bucket/path`). Throws BadRequest for what it can't serve. */
export interface BlobStores {
  open(uri: string): BlobStore;
}
