export * from './clients.ts';
export * from './replication-requests.ts';
