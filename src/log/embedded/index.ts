export * from './embedded-log.ts';
export * from './remote-source.ts';
