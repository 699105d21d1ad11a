export type { SchemaTarget, SchemaVersion } from '#persistence';
export * from './open-targets.ts';
export * from './schema-tool.ts';
export * from './version-folder.ts';
