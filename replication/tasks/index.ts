export * from './decode-task.ts';
export * from './encode-task.ts';
export * from './time.ts';
