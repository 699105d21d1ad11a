export * from './frontend.ts';
export * from './ports.ts';
