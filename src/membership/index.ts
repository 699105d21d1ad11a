export * from './membership.ts';
export * from './placement.ts';
export * from './ring.ts';
