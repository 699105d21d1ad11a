export type { Cluster, ClusterMember } from './cluster.ts';
export * from './member.ts';
export * from './offline-archive.ts';
export * from './region.ts';
export { cassandraSchemaConnection, openSearchSchemaConnection, sqlSchemaConnection } from './schema-connections.ts';
export * from './server.ts';
