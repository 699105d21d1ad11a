export type { Cluster, ClusterMember } from './cluster.ts';
export * from './member.ts';
export * from './offline-archive.ts';
export * from './region.ts';
export * from './server.ts';
