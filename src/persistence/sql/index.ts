export * from './bounded-key.ts';
export * from './connection.ts';
export * from './database.ts';
export * from './dialect.ts';
export * from './schema-target.ts';
export * from './server-options.ts';
export * from './statement.ts';
export * from './store.ts';
