// Ids may be longer than what a server can index (3,000 bytes are allowed, 2,704 fit into a page of PostgreSQL). Their key is the id itself
// while that is short, and the beginning and the hash of a long one. Such a key is longer than any short one, so the two never meet.
import { createHash } from 'node:crypto';

const KEY_BYTES_MAX = 255;
const BYTES_PER_CHARACTER_MAX = 3;

/** `bytesMax` must leave room for a hash. */
export function boundedKey(id: string, bytesMax = KEY_BYTES_MAX): string {
  if (id.length * BYTES_PER_CHARACTER_MAX <= bytesMax) return id;
  const bytes = Buffer.from(id);
  if (bytes.length <= bytesMax) return id;
  const hash = createHash('sha256').update(bytes).digest('hex');
  return `${bytes.subarray(0, bytesMax - hash.length + 1).toString()}${hash}`;
}
