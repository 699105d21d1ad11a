export * from './call-quotas.ts';
export * from './open-workflows.ts';
export * from './workflow-id-quotas.ts';
