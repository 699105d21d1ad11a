// CRC-32 of stored blobs: written beside them, verified on every read, so that a torn or flipped page is an error that names its row
// instead of a wrong workflow. It guards against accidents, not against attackers (archives have SHA-256 chains for that).
import { crc32 } from 'node:zlib';
import { StoreError } from '#base';

export const checksum = (blob: Uint8Array): number => crc32(blob);

/** Returns the blob, or throws Corrupt naming the row it belongs to. */
export function verified(blob: Uint8Array, expected: number, row: () => string): Uint8Array {
  if (crc32(blob) !== expected) throw new StoreError('Corrupt', `checksum mismatch in ${row()}`);
  return blob;
}
