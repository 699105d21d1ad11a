export type { ArchiveQuery, CompileArchiveQuery } from './archive-query.ts';
export * from './archiver.ts';
export type { HistoryLine } from './history-line.ts';
export * from './inspector.ts';
export type { Manifest, ManifestPart } from './manifest.ts';
export * from './ports.ts';
export type { Finding, FindingKind, VerificationRange, VerificationReport } from './verification.ts';
