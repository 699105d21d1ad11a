export * from './cluster-consumer.ts';
export type { PartitionStatus } from './partition-consumer.ts';
export * from './resend.ts';
export * from './task-applier.ts';
