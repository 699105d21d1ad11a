export * from './memory-blob-store.ts';
