export * from './domain-announcer.ts';
export * from './domain-publisher.ts';
