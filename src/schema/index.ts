export * from './schema-tool.ts';
