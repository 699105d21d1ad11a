export * from './ports.ts';
export * from './quiet.ts';
export * from './real.ts';
export * from './simulated.ts';
export * from './sleep.ts';
export * from './uuid-v7.ts';
