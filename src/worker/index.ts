export * from './async/index.ts';
export type { JobPlacement } from './job-placement.ts';
export * from './replication-host.ts';
export * from './system/index.ts';
export * from './worker-service.ts';
