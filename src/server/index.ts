export * from './offline-archive.ts';
export * from './region.ts';
export * from './server.ts';
