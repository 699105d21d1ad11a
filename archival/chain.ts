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

export function createChain(deps: ChainDeps, options: { uri: string; folder: ArchiveFolder }) {
  const { store, keyValues, locators } = deps;
  const { uri, folder } = options;
  // Appends of this process go one after another; the manifest keys order those of several processes.
  let tail: Promise<unknown> = Promise.resolve();
  // Set until the chain was rolled forward once, and again when an append failed halfway.
  let mayLag = true;

  const saveHead = async (head: ChainHead): Promise<void> => {
    for (;;) {
      const stored = await loadHead(keyValues, uri, folder);
      if (stored !== undefined && stored.sequence >= head.sequence) return;
      try {
        const value = Buffer.from(JSON.stringify(head));
        await keyValues.put(HEAD_BUCKET, headKey(uri, folder), value, stored?.version ?? 0);
        return;
      } catch (error) {
        if (!isStoreError(error, 'ConditionFailed')) throw error;
      }
    }
  };

  const confirm = async (sealed: SealedManifest, runs: readonly RunLine[]): Promise<ChainHead> => {
    if (runs.some((run) => run.parts.length > 0)) await locators.putAll(runs);
    const head = { sequence: sealed.manifest.sequence, manifestSha256: sealed.sha256 };
    await saveHead(head);
    return head;
  };

  /** The newest head, with everything beyond the stored one finished. */
  const rollForward = async (): Promise<ChainHead> => {
    const stored = await loadHead(keyValues, uri, folder);
    let head: ChainHead = stored ?? { sequence: 0, manifestSha256: CHAIN_START };
    for (;;) {
      const key = manifestKey(folder, head.sequence + 1);
      const bytes = await store.get(key);
      if (bytes === undefined) return head;
      const sealed = readManifest(key, bytes);
      if (sealed.manifest.previousManifestSha256 !== head.manifestSha256) {
        throw dataInconsistency(
          `Archive manifest ${key} does not continue the chain; run \`antiphon archive verify\`.`,
        );
      }
      head = await confirm(sealed, await runsOfManifest(store, sealed.manifest));
    }
  };

  const tryAppend = async (draft: ManifestDraft, head: ChainHead): Promise<SealedManifest | undefined> => {
    const sealed = sealManifest({
      format: 'antiphon-archive/1',
      ...draft,
      sequence: head.sequence + 1,
      previousManifestSha256: head.manifestSha256,
    });
    const key = manifestKey(folder, sealed.manifest.sequence);
    try {
      await store.put(key, sealed.bytes, { contentType: 'application/json' });
    } catch (error) {
      if (!(error instanceof BlobAlreadyExists)) throw error;
    }
    // Taken: by another writer, or by this very put when its answer was lost and it was sent again.
    const stored = await store.get(key);
    return stored !== undefined && sha256(stored) === sealed.sha256 ? sealed : undefined;
  };

  const append = async (draft: ManifestDraft, runs: readonly RunLine[]): Promise<ChainHead> => {
    for (let attempt = 0; attempt < APPEND_ATTEMPTS_MAX; attempt++) {
      mayLag = true;
      const sealed = await tryAppend(draft, await rollForward());
      if (sealed === undefined) continue;
      const head = await confirm(sealed, runs);
      mayLag = false;
      return head;
    }
    throw dataInconsistency(`Archive chain ${folder.path} moves on faster than it can be appended to.`);
  };

  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = tail.then(work);
    tail = result.catch(() => undefined);
    return result;
  };

  return {
    append: (draft: ManifestDraft, runs: readonly RunLine[]) => exclusively(() => append(draft, runs)),
    /** Finishes what a crash left between manifest and head. */
    recover: async (): Promise<void> => {
      if (!mayLag) return;
      await exclusively(async () => {
        if (!mayLag) return;
        await rollForward();
        mayLag = false;
      });
    },
  };
}

export type Chain = ReturnType<typeof createChain>;
