// What callers are told when the store fails under them.
import {
  dataInconsistency,
  isStoreError,
  ServiceBusyError,
  ServiceError,
  type ServiceErrorKind,
  ShardOwnershipLostError,
  StoreError,
  unavailable,
} from '#base';

const REFUSALS: ReadonlySet<ServiceErrorKind> = new Set([
  'BadRequest',
  'EntityNotExists',
  'WorkflowExecutionAlreadyCompleted',
  'WorkflowExecutionAlreadyStarted',
  'CancellationAlreadyRequested',
  'EventAlreadyStarted',
  'LimitExceeded',
]);

/** An answer that the state gives, and that whoever asked takes as final; all others are tried again. */
export const isRefusal = (error: unknown): boolean => error instanceof ServiceError && REFUSALS.has(error.kind);

/** What callers get whose write was in a group that failed. All of it is retryable, and nothing of it claims success. */
export function answerForFailure(error: unknown, shardId: number): ServiceError {
  // Handed over in order: what waited was not written.
  if (error instanceof ShardOwnershipLostError) return error;
  if (isStoreError(error, 'ShardOwnershipLost')) return new ShardOwnershipLostError(shardId, { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (isStoreError(error, 'Timeout')) {
    return unavailable(`The outcome of the write is unknown, please retry with the same request id: ${text}`, cause);
  }
  if (isStoreError(error, 'Full')) {
    return new ServiceBusyError(`The store has no room, nothing was written: ${text}`, 'store-full');
  }
  if (isStoreError(error, 'Unavailable')) {
    return unavailable(`The store is not available, nothing was written: ${text}`, cause);
  }
  return unavailable(`Shard ${shardId} was closed and loads again, please retry: ${text}`, cause);
}

/** A read that failed: nothing was changed, so trying again is harmless. */
export function answerForRead(error: StoreError, what: string): ServiceError {
  if (error.kind === 'Corrupt') {
    return dataInconsistency(`Stored bytes are damaged, ${what}: ${error.message}`, { cause: error });
  }
  return unavailable(`The store could not be read, please retry: ${error.message}`, { cause: error });
}

/** Runs a read of the store outside a shard's own answers. */
export async function readingStore<T>(what: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof StoreError) throw answerForRead(error, what);
    throw error;
  }
}
