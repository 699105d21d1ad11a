export * from './async-requests.ts';
