// Tiny pure building blocks. No I/O, no clock, no npm package.
export * from './assert.ts';
export * from './deferred.ts';
export * from './farm-hash.ts';
export * from './service-error.ts';
export * from './store-error.ts';
export * from './timer-heap.ts';
