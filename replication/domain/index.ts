export * from './domain-publisher.ts';
