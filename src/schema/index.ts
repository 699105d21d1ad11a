export * from './open-targets.ts';
export * from './schema-tool.ts';
