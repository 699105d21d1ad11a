// What operators and auditors ask of an archive: `antiphon archive list | show | verify | reindex`.
import { EntityNotExistsError } from '#base';
import type { BlobStores } from '#blob';
import type { KeyValueStore } from '#persistence';
import { createArchives, type DomainArchive } from './archives.ts';
import { loadHead, runsOfManifest } from './chain.ts';
import type { HistoryLine } from './history-line.ts';
import { manifestPrefix } from './layout.ts';
import { type Manifest, readManifest, type SealedManifest } from './manifest.ts';
import { readRunLines } from './reading.ts';
import { listAll, type VerificationRange, type VerificationReport, verifyArchive } from './verification.ts';

export interface ArchiveName {
  readonly uri: string;
  readonly domainId: string;
}

export interface ArchiveSummary {
  readonly domain: string;
  readonly domainId: string;
  readonly folder: string;
  readonly runCount: number;
  readonly eventCount: number;
  readonly sizeBytes: number;
  readonly head: { readonly sequence: number; readonly manifestSha256: string } | undefined;
  readonly packs: readonly Manifest[];
}

export interface ArchivedRunView {
  readonly workflowId: string;
  readonly runId: string;
  readonly parts: readonly string[];
  /** The run's lines as they are in the archive, batches as proto3 JSON. */
  readonly lines: readonly HistoryLine[];
}

export function createArchiveInspector(
  deps: { blobs: BlobStores; keyValues: KeyValueStore },
  options: { cluster: string },
) {
  const archives = createArchives(deps, options);
  const require = async (name: ArchiveName): Promise<DomainArchive> => {
    const archive = await archives.findOfDomain(name.uri, name.domainId);
    if (archive === undefined) throw new EntityNotExistsError(`Nothing of domain ${name.domainId} is archived there.`);
    return archive;
  };
  const manifestsOf = async (archive: DomainArchive): Promise<readonly SealedManifest[]> => {
    const manifests: SealedManifest[] = [];
    for (const key of await listAll(archive.store, manifestPrefix(archive.folder))) {
      const bytes = await archive.store.get(key);
      if (bytes !== undefined) manifests.push(readManifest(key, bytes));
    }
    return manifests;
  };
  /** Without the region's store there are no locators: every index is read, the newest first, which has a run as it was archived last. */
  const searchRun = async (archive: DomainArchive, run: { workflowId: string; runId: string }) => {
    for (const { manifest } of [...(await manifestsOf(archive))].reverse()) {
      const lines = await runsOfManifest(archive.store, manifest);
      const found = lines.find(
        (line) => line.runId === run.runId && line.workflowId === run.workflowId && line.parts.length > 0,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    async listArchives(name: ArchiveName): Promise<ArchiveSummary> {
      const archive = await require(name);
      const packs = (await manifestsOf(archive)).map(({ manifest }) => manifest);
      const sum = (of: (manifest: Manifest) => number): number => packs.reduce((total, pack) => total + of(pack), 0);
      const head = await loadHead(deps.keyValues, archive.uri, archive.folder);
      return {
        domain: archive.domain,
        domainId: archive.domainId,
        folder: archive.folder.path,
        runCount: sum((pack) => pack.runCount),
        eventCount: sum((pack) => pack.eventCount),
        sizeBytes: sum((pack) => pack.parts.reduce((bytes, part) => bytes + part.sizeBytes, 0)),
        head: head === undefined ? undefined : { sequence: head.sequence, manifestSha256: head.manifestSha256 },
        packs,
      };
    },
    async showArchive(name: ArchiveName, run: { workflowId: string; runId: string }): Promise<ArchivedRunView> {
      const locator =
        (await archives.locators.find({ domainId: name.domainId, ...run })) ??
        (await searchRun(await require(name), run));
      if (locator === undefined) throw new EntityNotExistsError(`Run ${run.runId} is not in the archive.`);
      const lines = await readRunLines(archives.open(name.uri), locator, run);
      return { workflowId: run.workflowId, runId: run.runId, parts: locator.parts, lines };
    },
    async verify(name: ArchiveName, range?: VerificationRange): Promise<VerificationReport> {
      return verifyArchive(await require(name), deps.keyValues, range);
    },
    /** Makes the locators again from the objects, after the store was lost; returns the number of runs. */
    async reindex(name: ArchiveName): Promise<number> {
      const archive = await require(name);
      await archive.chain.recover();
      let runs = 0;
      for (const { manifest } of await manifestsOf(archive)) {
        const lines = (await runsOfManifest(archive.store, manifest)).filter((line) => line.parts.length > 0);
        await archives.locators.putAll(lines);
        runs += lines.length;
      }
      return runs;
    },
  };
}

export type ArchiveInspector = ReturnType<typeof createArchiveInspector>;
