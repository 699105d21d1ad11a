export * from './failover-markers.ts';
export * from './failover-sweep.ts';
