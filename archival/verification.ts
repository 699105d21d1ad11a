// Proves an archive, or says exactly where the proof fails. Links: manifests 1..n exist, each names the SHA-256 of the one before, and the
// newest is the head that the store remembers. Content: every part of the range has its size and digest, every run that the index names is
// in its parts and its events have their digest. Manifests are always checked all; parts only within the range of days.
import type { BlobStore } from '#blob';
import type { KeyValueStore } from '#persistence';
import type { DomainArchive } from './archives.ts';
import { loadHead, runsOfManifest } from './chain.ts';
import { decompress } from './compression.ts';
import { CHAIN_START, sha256 } from './digest.ts';
import { batchesOfRun, type HistoryLine } from './history-line.ts';
import { manifestKey, manifestPrefix } from './layout.ts';
import { type Manifest, readManifest } from './manifest.ts';

export type FindingKind =
  | 'manifest-missing'
  | 'manifest-malformed'
  | 'chain-broken'
  | 'chain-cut'
  | 'head-mismatch'
  | 'part-missing'
  | 'part-altered'
  | 'run-altered'
  | 'object-unreferenced';

export interface Finding {
  readonly kind: FindingKind;
  readonly key: string;
  readonly detail: string;
}

export interface VerificationReport {
  readonly domain: string;
  readonly domainId: string;
  readonly folder: string;
  /** True when nothing was found but leftovers of interrupted writes. */
  readonly isIntact: boolean;
  readonly manifests: number;
  readonly partsChecked: number;
  readonly runsChecked: number;
  readonly eventsChecked: number;
  /** Digest of the newest manifest: keep it elsewhere to prove the whole chain later. */
  readonly headSha256: string;
  readonly findings: readonly Finding[];
}

export interface VerificationRange {
  /** Close days, `2026/11/21`, both inclusive. */
  readonly fromDay?: string | undefined;
  readonly toDay?: string | undefined;
}

const LIST_LIMIT = 1000;

export async function listAll(store: BlobStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for (;;) {
    const last = keys.at(-1);
    const more = await store.list(
      prefix,
      last === undefined ? { limit: LIST_LIMIT } : { afterKey: last, limit: LIST_LIMIT },
    );
    keys.push(...more);
    if (more.length < LIST_LIMIT) return keys;
  }
}

async function checkManifests(archive: DomainArchive, keyValues: KeyValueStore, findings: Finding[]) {
  const stored = await loadHead(keyValues, archive.uri, archive.folder);
  const present = await listAll(archive.store, manifestPrefix(archive.folder));
  const lastPresent = Number(/(\d+)\.json$/.exec(present.at(-1) ?? '')?.[1] ?? 0);
  const count = Math.max(lastPresent, stored?.sequence ?? 0);
  const manifests: Manifest[] = [];
  let previous: string | undefined = CHAIN_START;
  let headSha256 = CHAIN_START;
  for (let sequence = 1; sequence <= count; sequence++) {
    const key = manifestKey(archive.folder, sequence);
    const bytes = await archive.store.get(key);
    if (bytes === undefined) {
      const isCut = sequence > lastPresent;
      const detail = isCut ? `the store remembers manifest ${count} as newest` : 'a later manifest exists';
      findings.push({ kind: isCut ? 'chain-cut' : 'manifest-missing', key, detail });
      previous = undefined;
      continue;
    }
    try {
      const sealed = readManifest(key, bytes);
      const { sequence: named, previousManifestSha256 } = sealed.manifest;
      if (named !== sequence) findings.push({ kind: 'chain-broken', key, detail: `it calls itself manifest ${named}` });
      if (previous !== undefined && previousManifestSha256 !== previous) {
        const detail = `it names ${previousManifestSha256} as its predecessor, which has ${previous}`;
        findings.push({ kind: 'chain-broken', key, detail });
      }
      if (stored?.sequence === sequence && stored.manifestSha256 !== sealed.sha256) {
        const detail = `the store remembers ${stored.manifestSha256}, the object has ${sealed.sha256}`;
        findings.push({ kind: 'head-mismatch', key, detail });
      }
      manifests.push(sealed.manifest);
      previous = sealed.sha256;
      headSha256 = sealed.sha256;
    } catch (error) {
      findings.push({ kind: 'manifest-malformed', key, detail: String(error) });
      previous = sha256(bytes);
    }
  }
  return { manifests, headSha256 };
}

/** True when all parts of the pack are whole. */
async function checkParts(store: BlobStore, manifest: Manifest, findings: Finding[]): Promise<boolean> {
  let isWhole = true;
  for (const part of manifest.parts) {
    const content = await store.get(part.key);
    if (content !== undefined && sha256(content) === part.sha256) continue;
    isWhole = false;
    const named = `manifest ${manifest.sequence} has ${part.sha256}, ${part.sizeBytes} bytes`;
    findings.push(
      content === undefined
        ? { kind: 'part-missing', key: part.key, detail: named }
        : {
            kind: 'part-altered',
            key: part.key,
            detail: `${named}; found ${sha256(content)}, ${content.length} bytes`,
          },
    );
  }
  return isWhole;
}

/** Every history line of the pack, by run. */
async function linesByRun(store: BlobStore, manifest: Manifest): Promise<ReadonlyMap<string, readonly HistoryLine[]>> {
  const byRun = new Map<string, HistoryLine[]>();
  for (const part of manifest.parts.filter(({ kind }) => kind === 'histories')) {
    const content = await store.get(part.key);
    for (const row of content === undefined ? [] : (await decompress(content)).split('\n')) {
      if (row === '') continue;
      const line: HistoryLine = JSON.parse(row);
      const lines = byRun.get(line.runId) ?? [];
      lines.push(line);
      byRun.set(line.runId, lines);
    }
  }
  return byRun;
}

async function checkRuns(store: BlobStore, manifest: Manifest, findings: Finding[]) {
  const archived = await linesByRun(store, manifest);
  let runs = 0;
  let events = 0;
  for (const line of await runsOfManifest(store, manifest)) {
    runs++;
    if (line.parts.length === 0) continue;
    const key = line.parts[0] ?? '';
    const name = `workflow ${line.workflowId}, run ${line.runId}`;
    try {
      const lines = archived.get(line.runId) ?? [];
      batchesOfRun(lines);
      if (lines.at(-1)?.eventsSha256 !== line.eventsSha256) {
        findings.push({ kind: 'run-altered', key, detail: `${name}: index and history disagree` });
      }
      events += line.eventCount;
    } catch (error) {
      findings.push({ kind: 'run-altered', key, detail: `${name}: ${String(error)}` });
    }
  }
  return { runs, events };
}

export async function verifyArchive(
  archive: DomainArchive,
  keyValues: KeyValueStore,
  range: VerificationRange = {},
): Promise<VerificationReport> {
  const findings: Finding[] = [];
  const { manifests, headSha256 } = await checkManifests(archive, keyValues, findings);
  const { fromDay = '', toDay = '9999/12/31' } = range;
  let partsChecked = 0;
  let runsChecked = 0;
  let eventsChecked = 0;
  for (const manifest of manifests) {
    if (manifest.closeDay < fromDay || manifest.closeDay > toDay) continue;
    partsChecked += manifest.parts.length;
    if (!(await checkParts(archive.store, manifest, findings))) continue;
    const { runs, events } = await checkRuns(archive.store, manifest, findings);
    runsChecked += runs;
    eventsChecked += events;
  }
  const isIntact = findings.length === 0;
  findings.push(...(await unreferenced(archive, manifests)));
  return {
    domain: archive.domain,
    domainId: archive.domainId,
    folder: archive.folder.path,
    isIntact,
    manifests: manifests.length,
    partsChecked,
    runsChecked,
    eventsChecked,
    headSha256,
    findings,
  };
}

/** Objects that no manifest names: left by a write that was interrupted (harmless), or put there by somebody. */
async function unreferenced(archive: DomainArchive, manifests: readonly Manifest[]): Promise<readonly Finding[]> {
  const named = new Set(manifests.flatMap((manifest) => manifest.parts.map((part) => part.key)));
  const prefix = manifestPrefix(archive.folder);
  const keys = await listAll(archive.store, `${archive.folder.path}/`);
  return keys
    .filter((key) => !key.startsWith(prefix) && !named.has(key))
    .map((key) => ({
      kind: 'object-unreferenced',
      key,
      detail: 'no manifest names it; it is not part of the archive',
    }));
}
