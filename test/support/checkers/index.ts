export * from './archive-complete.ts';
export * from './history-wellformed.ts';
export * from './journal.ts';
export * from './journal-kept.ts';
export * from './rest.ts';
export * from './snapshot.ts';
