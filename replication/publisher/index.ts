export * from './history-publisher.ts';
