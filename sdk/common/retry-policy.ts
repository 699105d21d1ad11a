// Retry policies as users write them, and the whole-second form that is sent. Cadence matches errors that must not be
// retried by their reason string alone, so every policy also lists the reserved reason of non-retryable failures.
import { type Duration, durationToSeconds } from './duration.ts';

/** Reason under which ApplicationFailure.nonRetryable travels; every policy this SDK sends excludes it from retries. */
export const NON_RETRYABLE_REASON = 'cadence:NonRetryable';

export interface RetryPolicy {
  /** Wait before the second attempt. Default 1 s. */
  readonly initialInterval?: Duration;
  /** Factor from one wait to the next. Default 2. */
  readonly backoffCoefficient?: number;
  readonly maximumInterval?: Duration;
  /** Attempts in all; absent means as many as fit into the expiration interval. */
  readonly maximumAttempts?: number;
  /** No attempt starts later than this after the first one. */
  readonly expirationInterval?: Duration;
  /** Types of ApplicationFailure (reasons on the wire) that end the attempts at once. */
  readonly nonRetryableErrorTypes?: readonly string[];
}

/** Plain data: it crosses the sandbox as JSON. */
export interface WireRetryPolicy {
  readonly initialSeconds: number;
  readonly backoffCoefficient: number;
  readonly maximumSeconds: number;
  readonly maximumAttempts: number;
  readonly expirationSeconds: number;
  readonly nonRetryableReasons: readonly string[];
}

/** `defaultExpirationSeconds` bounds a policy that has neither attempts nor expiration: the service refuses unbounded ones. */
export function encodeRetryPolicy(policy: RetryPolicy, defaultExpirationSeconds: number): WireRetryPolicy {
  const maximumAttempts = policy.maximumAttempts ?? 0;
  const expirationSeconds = policy.expirationInterval === undefined ? 0 : durationToSeconds(policy.expirationInterval);
  const isBounded = maximumAttempts > 0 || expirationSeconds > 0;
  if (!isBounded && defaultExpirationSeconds <= 0) {
    throw new TypeError('a retry policy needs maximumAttempts or expirationInterval');
  }
  return {
    initialSeconds: Math.max(1, durationToSeconds(policy.initialInterval ?? 1000)),
    backoffCoefficient: policy.backoffCoefficient ?? 2,
    maximumSeconds: policy.maximumInterval === undefined ? 0 : durationToSeconds(policy.maximumInterval),
    maximumAttempts,
    expirationSeconds: isBounded ? expirationSeconds : defaultExpirationSeconds,
    nonRetryableReasons: [...(policy.nonRetryableErrorTypes ?? []), NON_RETRYABLE_REASON],
  };
}
