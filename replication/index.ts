export * from './consumer/index.ts';
export * from './dlq/index.ts';
export * from './domain/index.ts';
export * from './ndc/index.ts';
export * from './ports.ts';
export * from './ports-consumer.ts';
export * from './publisher/index.ts';
export * from './serving/index.ts';
