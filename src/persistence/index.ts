export * from './branch-reading.ts';
export * from './checksum.ts';
export * from './faulty.ts';
export * from './ports.ts';
export * from './schema-files.ts';
export * from './schema-target.ts';
export * from './task-lanes.ts';
