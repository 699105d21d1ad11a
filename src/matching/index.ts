export * from './matching-service.ts';
export * from './options.ts';
