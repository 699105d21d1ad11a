export * from './clients.ts';
export * from './replication-requests.ts';
export * from './task-token.ts';
