// Where a listing goes on: the sort value and row number of the last row shown. Bound to its listing, so that a token
// of another query or domain is refused instead of giving a wrong page.
import { badRequest, fingerprint32 } from '#base';
import type { AttributeValue } from './condition.ts';
import type { Listing } from './ports.ts';

export interface PagePosition {
  /** null: the row has no value, it sorts last. */
  readonly sortValue: AttributeValue | null;
  readonly rowNumber: number;
}

const fingerprintOf = (domainId: string, listing: Listing): number =>
  fingerprint32(JSON.stringify([domainId, listing]));

export function encodePageToken(domainId: string, listing: Listing, position: PagePosition): Uint8Array {
  return Buffer.from(JSON.stringify([fingerprintOf(domainId, listing), position.sortValue, position.rowNumber]));
}

export function decodePageToken(domainId: string, listing: Listing, token: Uint8Array): PagePosition {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token).toString());
  } catch (error) {
    throw badRequest('Invalid NextPageToken.', { cause: error });
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw badRequest('Invalid NextPageToken.');
  const [fingerprint, sortValue, rowNumber] = parts as readonly unknown[];
  const isValue = sortValue === null || ['string', 'number', 'boolean'].includes(typeof sortValue);
  if (fingerprint !== fingerprintOf(domainId, listing) || !isValue || !Number.isSafeInteger(rowNumber)) {
    throw badRequest('Invalid NextPageToken.');
  }
  return { sortValue: sortValue as AttributeValue | null, rowNumber: rowNumber as number }; // checked right above
}
