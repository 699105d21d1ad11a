// Where things are in an archive, so that a person finds them without us:
//   _domains/<domain id>.json                                  which folder a domain has
//   <domain name>.<id, 8 digits>/<cluster>/                    one chain per domain and region: both regions may share a bucket
//     2026/11/21/120142-7f3a9c21.histories-001.jsonl.gz        histories of runs closed on that day (UTC), one line a run
//     2026/11/21/120142-7f3a9c21.runs.jsonl.gz                 their visibility records, one line a run
//     manifests/000000000042.json                              the pack's digests and the digest of manifest 41
import { keySegment } from '#blob';

export interface ArchiveFolder {
  /** `<domain folder>/<cluster>` */
  readonly path: string;
}

const pad = (value: number, length: number): string => String(value).padStart(length, '0');

export const domainPointerKey = (domainId: string): string => `_domains/${keySegment(domainId)}.json`;

export const domainFolder = (domainName: string, domainId: string): string =>
  `${keySegment(domainName)}.${keySegment(domainId).slice(0, 8)}`;

export const archiveFolder = (folder: string, cluster: string): ArchiveFolder => ({
  path: `${folder}/${keySegment(cluster)}`,
});

/** `2026/11/21`, in UTC. */
export const dayOf = (timeMs: number): string => isoOf(timeMs).slice(0, 10).replaceAll('-', '/');

/** `120142`, in UTC. */
const clockOf = (timeMs: number): string => isoOf(timeMs).slice(11, 19).replaceAll(':', '');

/** ISO 8601 of a given instant; reads no clock. */
export const isoOf = (timeMs: number): string => new Date(timeMs).toISOString();

export const packPrefix = (folder: ArchiveFolder, day: string, sealedMs: number, uniqueId: string): string =>
  `${folder.path}/${day}/${clockOf(sealedMs)}-${uniqueId.slice(0, 8)}`;

export const historyPartKey = (pack: string, part: number): string => `${pack}.histories-${pad(part, 3)}.jsonl.gz`;
export const runsKey = (pack: string): string => `${pack}.runs.jsonl.gz`;
export const isRunsKey = (key: string): boolean => key.endsWith('.runs.jsonl.gz');

export const manifestPrefix = (folder: ArchiveFolder): string => `${folder.path}/manifests/`;
export const manifestKey = (folder: ArchiveFolder, sequence: number): string =>
  `${manifestPrefix(folder)}${pad(sequence, 12)}.json`;
