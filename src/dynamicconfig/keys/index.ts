export * from './limit-keys.ts';
export * from './matching-keys.ts';
export * from './quota-keys.ts';
export * from './service-keys.ts';
