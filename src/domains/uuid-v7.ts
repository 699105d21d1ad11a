// Version 7 UUIDs, which sort by the time they were made: ids of domains (semantics §1.12).
import type { Env } from '#env';

export function uuidV7(env: Pick<Env, 'clock' | 'random'>): string {
  const time = env.clock.nowMs().toString(16).padStart(12, '0');
  const random = env.random.uuid();
  // A version 4 UUID lends its random bits and its variant.
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${random.slice(15)}`;
}
