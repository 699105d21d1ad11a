// Translates the driver's and Cassandra's errors to StoreErrors. The question is always: is it certain that nothing was written, and that
// nothing of it will be? Only then Unavailable (or Full); everything else about a write is a Timeout, an unknown outcome.
import { errors, types } from 'cassandra-driver';
import { StoreError, type StoreErrorKind } from '#base';

const CODES = types.responseErrorCodes;

/** Answers by which a coordinator says that it did not begin. */
const NOT_BEGUN: ReadonlySet<number> = new Set([
  CODES.unavailableException,
  CODES.overloaded,
  CODES.isBootstrapping,
  CODES.syntaxError,
  CODES.unauthorized,
  CODES.invalid,
  CODES.configError,
  CODES.alreadyExists,
  CODES.badCredentials,
]);

// What the driver marks its errors with; its type declarations leave it out.
interface SocketMarks {
  readonly isSocketError?: boolean;
  readonly requestNotWritten?: boolean;
}

/** True when a request that ended so cannot have been carried out. */
function isNotSent(error: unknown): boolean {
  if (error === null || error === undefined || typeof error === 'string') return true;
  if (error instanceof errors.ResponseError) return NOT_BEGUN.has(error.code);
  if (error instanceof errors.OperationTimedOutError) return false;
  if (error instanceof errors.NoHostAvailableError) {
    return Object.values((error.innerErrors ?? {}) as Record<string, unknown>).every(isNotSent);
  }
  const { isSocketError = false, requestNotWritten = false } = error as SocketMarks;
  if (isSocketError) return requestNotWritten;
  return !(error instanceof errors.DriverInternalError);
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof errors.ResponseError && error.code === CODES.invalid && /too (large|big)/i.test(error.message);

/** Programming errors pass as they are: they must not look like a store that is away. */
const isDriverError = (error: unknown): error is Error =>
  error instanceof errors.DriverError ||
  error instanceof errors.NoHostAvailableError ||
  (error as SocketMarks).isSocketError === true;

function translated(kind: StoreErrorKind, what: string, error: Error, note = ''): StoreError {
  return new StoreError(kind, `${what}: ${error.message}${note}`, { cause: error });
}

export function readError(what: string, error: unknown): unknown {
  return isDriverError(error) ? translated('Unavailable', what, error) : error;
}

export function writeError(what: string, error: unknown): unknown {
  if (!isDriverError(error)) return error;
  if (isTooLarge(error)) return translated('Full', what, error);
  if (isNotSent(error)) return translated('Unavailable', what, error);
  return translated('Timeout', what, error, '; the outcome is unknown');
}

/** More deleted rows than a replica will step over in one read. */
export const isTombstoneFailure = (error: unknown): boolean =>
  error instanceof StoreError && error.cause instanceof errors.ResponseError && error.cause.code === CODES.readFailure;
