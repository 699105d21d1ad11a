// Request ids that are the same whenever they are made of the same parts: a call that is repeated, by whatever attempt, counts once.
import { createHash } from 'node:crypto';

/** A UUID of version 8: made of a hash. */
export function requestIdOf(parts: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
