export * from './system-task-lists.ts';
export * from './system-workers.ts';
export * from './task-watch.ts';
