export * from './access-control.ts';
export * from './certificates.ts';
export { TokenRefused } from './claims.ts';
export * from './domain-groups.ts';
export * from './key-files.ts';
export * from './permissions.ts';
export * from './token-signing.ts';
export * from './token-verifier.ts';
