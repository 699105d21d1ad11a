// Version 7 UUIDs, which sort by the time they were made: rows and indexes keyed by them grow at their end instead of everywhere.
import type { Env } from './ports.ts';

export function uuidV7(env: Pick<Env, 'clock' | 'random'>): string {
  const time = env.clock.nowMs().toString(16).padStart(12, '0');
  const random = env.random.uuid();
  // A version 4 UUID lends its random bits and its variant.
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(15)}`;
}
