export * from './call-quotas.ts';
export * from './workflow-id-quotas.ts';
