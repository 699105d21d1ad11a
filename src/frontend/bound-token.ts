// Page tokens of parts that do not know whose they are: bound here to what they were given for, so that one of another domain or query is
// refused instead of giving a wrong page. The fingerprint is no secret: what a page holds is decided by the request, never by its token.
import { badRequest, fingerprint32 } from '#base';

const FINGERPRINT_BYTES = 4;

const fingerprintOf = (subject: readonly string[]): Buffer => {
  const bytes = Buffer.alloc(FINGERPRINT_BYTES);
  bytes.writeUInt32BE(fingerprint32(JSON.stringify(subject)) >>> 0);
  return bytes;
};

/** An empty token, the end of a listing, stays empty. */
export const boundToken = (subject: readonly string[], token: Uint8Array): Uint8Array =>
  token.length === 0 ? token : Buffer.concat([fingerprintOf(subject), token]);

/** @throws BadRequest when the token was given for something else. */
export function unboundToken(subject: readonly string[], bound: Uint8Array): Uint8Array {
  if (bound.length === 0) return bound;
  if (!fingerprintOf(subject).equals(bound.subarray(0, FINGERPRINT_BYTES))) throw badRequest('Invalid NextPageToken.');
  return bound.subarray(FINGERPRINT_BYTES);
}
