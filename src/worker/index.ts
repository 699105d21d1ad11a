export * from './replication-host.ts';
export * from './worker-service.ts';
