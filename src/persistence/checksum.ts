// CRC-32 of stored blobs: written beside them, verified on every read, so that a torn or flipped page is an error
// that names its row instead of a wrong workflow. It guards against accidents, not against attackers (archives have
// SHA-256 chains for that).
import { crc32 } from 'node:zlib';
import { StoreError } from '#base';

/** Covers also whose blob it is and a number beside it: a damaged index must not pass one row for another. */
export const checksum = (blob: Uint8Array, owner: string, number: number): number =>
  crc32(blob, (crc32(owner) + number) >>> 0);

/** Returns the blob, or throws Corrupt naming the row it belongs to. */
export function verified(
  blob: Uint8Array,
  expected: number,
  identity: { readonly owner: string; readonly number: number },
  row: () => string,
): Uint8Array {
  if (checksum(blob, identity.owner, identity.number) !== expected) {
    throw new StoreError('Corrupt', `checksum mismatch in ${row()}`);
  }
  return blob;
}

/** Decodes a stored message, or throws Corrupt naming its row. */
export function decoded<T>(codec: { decode(blob: Uint8Array): T }, blob: Uint8Array, row: string): T {
  try {
    return codec.decode(blob);
  } catch (error) {
    throw new StoreError('Corrupt', `undecodable bytes in ${row}`, { cause: error });
  }
}
