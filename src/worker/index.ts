export * from './async/index.ts';
export * from './replication-host.ts';
export * from './system/index.ts';
export * from './worker-service.ts';
