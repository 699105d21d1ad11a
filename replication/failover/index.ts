export * from './failover-sweep.ts';
