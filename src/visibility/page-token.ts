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

/** A filter's window may move between pages: callers count it from now. Where the listing goes on does not depend on it. */
const withoutWindow = (listing: Listing): object =>
  listing.kind === 'filter' ? { ...listing, earliestMs: undefined, latestMs: undefined } : listing;

const fingerprintOf = (domainId: string, listing: Listing): number =>
  fingerprint32(JSON.stringify([domainId, withoutWindow(listing)]));

/** `values`: where the next page begins, in the driver's own terms. */
export function encodeCursor(
  domainId: string,
  listing: Listing,
  values: readonly (AttributeValue | null)[],
): Uint8Array {
  return Buffer.from(JSON.stringify([fingerprintOf(domainId, listing), ...values]));
}

/** Throws BadRequest unless it is a token of this listing with so many values. */
export function decodeCursor(
  domainId: string,
  listing: Listing,
  token: Uint8Array,
  valueCount: number,
): readonly (AttributeValue | null)[] {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token).toString());
  } catch (error) {
    throw badRequest('Invalid NextPageToken.', { cause: error });
  }
  if (!Array.isArray(parts) || parts.length !== valueCount + 1) throw badRequest('Invalid NextPageToken.');
  const [fingerprint, ...values] = parts as readonly unknown[];
  const areValues = values.every((value) => value === null || ['string', 'number', 'boolean'].includes(typeof value));
  if (fingerprint !== fingerprintOf(domainId, listing) || !areValues) throw badRequest('Invalid NextPageToken.');
  return values as (AttributeValue | null)[]; // checked right above
}

export const encodePageToken = (domainId: string, listing: Listing, position: PagePosition): Uint8Array =>
  encodeCursor(domainId, listing, [position.sortValue, position.rowNumber]);

export function decodePageToken(domainId: string, listing: Listing, token: Uint8Array): PagePosition {
  const [sortValue = null, rowNumber] = decodeCursor(domainId, listing, token, 2);
  if (!Number.isSafeInteger(rowNumber)) throw badRequest('Invalid NextPageToken.');
  return { sortValue, rowNumber: rowNumber as number }; // checked right above
}
