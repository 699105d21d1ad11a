// The pure engine. No I/O, no clock, no randomness: decide, evolve, task derivation.
export * from './clusters.ts';
export * from './commands.ts';
export * from './domain-view.ts';
export * from './limits.ts';
export * from './transition.ts';
export type { WorkflowState } from './workflow-state.ts';
