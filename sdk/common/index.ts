// @antiphon/sdk/common: what client, worker and workflow share. Safe in the sandbox: plain TypeScript, no Node modules.
export * from './data-converter.ts';
export * from './definitions.ts';
export * from './duration.ts';
export * from './failure-codec.ts';
export * from './failures.ts';
export * from './json-values.ts';
export * from './retry-policy.ts';
export * from './task-priority.ts';
export * from './text-bytes.ts';
