// What a store driver may throw. Drivers translate their npm driver's errors to these at their edge. The unknown outcome is a type,
// so that a caller must re-read before it retries.

export type StoreErrorKind =
  /** The condition (range id, version, absence) did not hold: nothing was written. */
  | 'ConditionFailed'
  /** Another owner has a larger range id: nothing was written, and nothing of ours will be. */
  | 'ShardOwnershipLost'
  /** The outcome is unknown: the write may have happened, may still happen, or may not. */
  | 'Timeout'
  /** The write was certainly not applied; try again later. */
  | 'Unavailable'
  /** No space or over a hard limit: certainly not applied, and retrying does not help until somebody acts. */
  | 'Full'
  /** Stored bytes fail their checksum or do not decode. */
  | 'Corrupt';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = `Store${kind}`;
    this.kind = kind;
  }
}

export const isStoreError = (error: unknown, kind: StoreErrorKind): error is StoreError =>
  error instanceof StoreError && error.kind === kind;
