export * from './authorization-schema.ts';
export * from './cassandra-schema.ts';
export * from './load.ts';
export * from './schema.ts';
export * from './sql-schema.ts';
export * from './tls-schema.ts';
export * from './visibility-schema.ts';
