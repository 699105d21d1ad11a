export * from './dead-letter-handlers.ts';
export * from './log-handlers.ts';
export * from './raw-history-handler.ts';
export * from './resend-handler.ts';
