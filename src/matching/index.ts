export { createListSettings } from './list-settings.ts';
export * from './matching-service.ts';
export * from './options.ts';
export { baseNameOf } from './partitions.ts';
