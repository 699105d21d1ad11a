// The manifest of one pack. Its bytes are what is hashed: they are written once and read as they are, never re-serialised to check them.
import { dataInconsistency } from '#base';
import { sha256 } from './digest.ts';

export interface ManifestPart {
  readonly key: string;
  readonly kind: 'histories' | 'runs';
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly format: 'antiphon-archive/1';
  readonly domain: string;
  readonly domainId: string;
  readonly cluster: string;
  /** From 1, without a hole, per domain and cluster. */
  readonly sequence: number;
  /** SHA-256 of the bytes of manifest `sequence - 1`; zeros for the first. */
  readonly previousManifestSha256: string;
  readonly sealedAt: string;
  /** Day on which all of its runs closed: `2026/11/21`. */
  readonly closeDay: string;
  readonly runCount: number;
  readonly eventCount: number;
  readonly parts: readonly ManifestPart[];
}

export interface SealedManifest {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export function sealManifest(manifest: Manifest): SealedManifest {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  return { manifest, bytes, sha256: sha256(bytes) };
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Throws InternalDataInconsistency for bytes that are no manifest of ours. */
export function readManifest(key: string, bytes: Uint8Array): SealedManifest {
  let value: Partial<Manifest> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw dataInconsistency(`Archive manifest ${key} is not JSON.`, { cause: error });
  }
  const isManifest =
    value !== null &&
    typeof value === 'object' &&
    value.format === 'antiphon-archive/1' &&
    [value.domain, value.domainId, value.cluster, value.previousManifestSha256, value.closeDay].every(isText) &&
    [value.sequence, value.runCount, value.eventCount].every(isCount) &&
    Array.isArray(value.parts) &&
    value.parts.every((part) => isText(part?.key) && isText(part.sha256) && isCount(part.sizeBytes));
  if (!isManifest) throw dataInconsistency(`Archive manifest ${key} is malformed.`);
  // Checked field by field just above.
  return { manifest: value as Manifest, bytes, sha256: sha256(bytes) };
}
