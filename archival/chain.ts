// The hash chain of a domain's archive in one region. A manifest's key holds its sequence number and objects are never overwritten, so the
// put of manifest n + 1 is itself the compare-and-set: of two writers one wins, the other follows and takes n + 2. The store keeps the
// head beside the objects, so that cutting off the newest manifests is noticed too.
//
// Order of an append: 1. parts (durable, read back)  2. manifest  3. locators  4. head. A crash after 2 is rolled forward on the next
// open: manifests beyond the head get their locators, then the head moves. A crash before 2 leaves parts that no manifest names.
import { dataInconsistency, isStoreError } from '#base';
import { BlobAlreadyExists, type BlobStore } from '#blob';
import type { KeyValueStore } from '#persistence';
import { decompress } from './compression.ts';
import { CHAIN_START, sha256 } from './digest.ts';
import { type ArchiveFolder, manifestKey } from './layout.ts';
import type { Locators } from './locator.ts';
import { type Manifest, readManifest, type SealedManifest, sealManifest } from './manifest.ts';
import { linesOf, type RunLine } from './run-line.ts';

const HEAD_BUCKET = 'archive-chain-head';
const APPEND_ATTEMPTS_MAX = 100;

export interface ChainHead {
  readonly sequence: number;
  readonly manifestSha256: string;
}

export interface ChainDeps {
  readonly store: BlobStore;
  readonly keyValues: KeyValueStore;
  readonly locators: Locators;
}

const headKey = (uri: string, folder: ArchiveFolder): string =>
  `${sha256(Buffer.from(uri)).slice(0, 16)}/${folder.path}`;

export async function loadHead(
  keyValues: KeyValueStore,
  uri: string,
  folder: ArchiveFolder,
): Promise<(ChainHead & { readonly version: number }) | undefined> {
  const stored = await keyValues.get(HEAD_BUCKET, headKey(uri, folder));
  if (stored === undefined) return undefined;
  const head: ChainHead = JSON.parse(Buffer.from(stored.value).toString('utf8'));
  return { sequence: head.sequence, manifestSha256: head.manifestSha256, version: stored.version };
}

/** The runs that a manifest's pack indexes. */
export async function runsOfManifest(store: BlobStore, manifest: Manifest): Promise<readonly RunLine[]> {
  const lines: RunLine[] = [];
  for (const part of manifest.parts.filter(({ kind }) => kind === 'runs')) {
    const content = await store.get(part.key);
    if (content === undefined || sha256(content) !== part.sha256) {
      throw dataInconsistency(`Archive object ${part.key} is missing or does not match its manifest.`);
    }
    lines.push(...linesOf(await decompress(content)));
  }
  return lines;
}

export type ManifestDraft = Omit<Manifest, 'sequence' | 'previousManifestSha256' | 'format'>;

export interface Chain {
  /** Adds a pack whose objects are written and read back; its runs are archived when this resolves. */
  append(draft: ManifestDraft, runs: readonly RunLine[]): Promise<ChainHead>;
  /** Finishes what a crash left between manifest and head. */
  recover(): Promise<void>;
}

class StoredChain implements Chain {
  readonly #deps: ChainDeps;
  readonly #uri: string;
  readonly #folder: ArchiveFolder;
  // Appends of this process go one after another; the manifest keys order those of several processes.
  #tail: Promise<unknown> = Promise.resolve();
  // Set until the chain was rolled forward once, and again when an append failed halfway.
  #mayLag = true;

  constructor(deps: ChainDeps, options: { uri: string; folder: ArchiveFolder }) {
    this.#deps = deps;
    this.#uri = options.uri;
    this.#folder = options.folder;
  }

  append(draft: ManifestDraft, runs: readonly RunLine[]): Promise<ChainHead> {
    return this.#exclusively(async () => {
      for (let attempt = 0; attempt < APPEND_ATTEMPTS_MAX; attempt++) {
        this.#mayLag = true;
        const sealed = await this.#tryAppend(draft, await this.#rollForward());
        if (sealed === undefined) continue;
        const head = await this.#confirm(sealed, runs);
        this.#mayLag = false;
        return head;
      }
      throw dataInconsistency(`Archive chain ${this.#folder.path} moves on faster than it can be appended to.`);
    });
  }

  async recover(): Promise<void> {
    if (!this.#mayLag) return;
    await this.#exclusively(async () => {
      if (!this.#mayLag) return;
      await this.#rollForward();
      this.#mayLag = false;
    });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #saveHead(head: ChainHead): Promise<void> {
    const { keyValues } = this.#deps;
    for (;;) {
      const stored = await loadHead(keyValues, this.#uri, this.#folder);
      if (stored !== undefined && stored.sequence >= head.sequence) return;
      try {
        const value = Buffer.from(JSON.stringify(head));
        await keyValues.put(HEAD_BUCKET, headKey(this.#uri, this.#folder), value, stored?.version ?? 0);
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed')) throw error;
      }
    }
  }

  async #confirm(sealed: SealedManifest, runs: readonly RunLine[]): Promise<ChainHead> {
    if (runs.some((run) => run.parts.length > 0)) await this.#deps.locators.putAll(runs);
    const head = { sequence: sealed.manifest.sequence, manifestSha256: sealed.sha256 };
    await this.#saveHead(head);
    return head;
  }

  /** The newest head, with everything beyond the stored one finished. */
  async #rollForward(): Promise<ChainHead> {
    const { store, keyValues } = this.#deps;
    const stored = await loadHead(keyValues, this.#uri, this.#folder);
    let head: ChainHead = stored ?? { sequence: 0, manifestSha256: CHAIN_START };
    for (;;) {
      const key = manifestKey(this.#folder, head.sequence + 1);
      const bytes = await store.get(key);
      if (bytes === undefined) return head;
      const sealed = readManifest(key, bytes);
      if (sealed.manifest.previousManifestSha256 !== head.manifestSha256) {
        throw dataInconsistency(
          `Archive manifest ${key} does not continue the chain; run \`antiphon archive verify\`.`,
        );
      }
      head = await this.#confirm(sealed, await runsOfManifest(store, sealed.manifest));
    }
  }

  async #tryAppend(draft: ManifestDraft, head: ChainHead): Promise<SealedManifest | undefined> {
    const { store } = this.#deps;
    const sealed = sealManifest({
      format: 'antiphon-archive/1',
      ...draft,
      sequence: head.sequence + 1,
      previousManifestSha256: head.manifestSha256,
    });
    const key = manifestKey(this.#folder, sealed.manifest.sequence);
    try {
      await store.put(key, sealed.bytes, { contentType: 'application/json' });
    } catch (error) {
      if (!(error instanceof BlobAlreadyExists)) throw error;
    }
    // Taken: by another writer, or by this very put when its answer was lost and it was sent again.
    const stored = await store.get(key);
    return stored !== undefined && sha256(stored) === sealed.sha256 ? sealed : undefined;
  }
}

export const createChain = (deps: ChainDeps, options: { uri: string; folder: ArchiveFolder }): Chain =>
  new StoredChain(deps, options);
