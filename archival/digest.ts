// SHA-256 in hex, the one digest of archives.
import { createHash } from 'node:crypto';

export const sha256 = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** What the first manifest of a chain names as its predecessor. */
export const CHAIN_START = '0'.repeat(64);
