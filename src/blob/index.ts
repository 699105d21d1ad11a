export * from './blob-stores.ts';
export * from './object-key.ts';
export * from './ports.ts';
