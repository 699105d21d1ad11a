// How much one message of the stream between two hosts carries, for both of its ends.
import { ServiceError } from '#base';
import { INTERNAL_MESSAGE_BYTES_MAX } from './internal-method.ts';

/** A message takes several calls, or several answers, up to so much; a larger one is of one call. */
export const SHARED_MESSAGE_BYTES = 1024 * 1024;

/** Of one request or reply; the rest is for the call's other fields. */
export const CALL_BYTES_MAX = INTERNAL_MESSAGE_BYTES_MAX - 4096;

export const callTooLarge = (path: string, bytes: number): ServiceError =>
  new ServiceError(
    'LimitExceeded',
    `${path.slice(1)} between hosts is ${bytes} bytes; at most ${CALL_BYTES_MAX} fit into a message`,
  );
