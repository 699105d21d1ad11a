export * from './region.ts';
export * from './server.ts';
