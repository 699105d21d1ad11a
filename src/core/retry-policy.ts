// Retry policies of activities and workflows: validation with Cadence's texts (semantics §2.10) and the time of the next attempt (§2.7).

import type { RetryPolicy } from '@antiphon/proto';
import { badRequest } from '#base';
import { durationOf, isKeptDuration, secondsOf } from './wire-time.ts';

export const TIMEOUT_REASON_PREFIX = 'cadenceInternal:Timeout ';

/** What Cadence's nanoseconds can hold; beyond it the interval counts as overflown. */
const DELAY_SECONDS_MAX = 9_223_372_036;

/** Reasons that say a payload was too big: trying again cannot help. */
const SIZE_REASONS: ReadonlySet<string> = new Set([
  'COMPLETE_RESULT_EXCEEDS_LIMIT',
  'CANCEL_DETAILS_EXCEEDS_LIMIT',
  'HEARTBEAT_EXCEEDS_LIMIT',
  'DECISION_BLOB_SIZE_EXCEEDS_LIMIT',
]);

/** Throws a BadRequest that names the fault. An absent policy is valid. */
export function validateRetryPolicy(policy: RetryPolicy | undefined): void {
  const fault = policy === undefined ? undefined : retryPolicyFault(policy);
  if (fault !== undefined) throw badRequest(fault);
}

/** As events have it: with every interval, those left out at zero. */
export function normalizedRetryPolicy(policy: RetryPolicy | undefined): RetryPolicy | undefined {
  if (policy === undefined) return undefined;
  return {
    ...policy,
    initialInterval: durationOf(secondsOf(policy.initialInterval)),
    maximumInterval: durationOf(secondsOf(policy.maximumInterval)),
    expirationInterval: durationOf(secondsOf(policy.expirationInterval)),
  };
}

export function retryPolicyFault(policy: RetryPolicy): string | undefined {
  if (!isKeptDuration(policy.initialInterval)) return 'InitialIntervalInSeconds is out of range on retry policy.';
  if (!isKeptDuration(policy.maximumInterval)) return 'MaximumIntervalInSeconds is out of range on retry policy.';
  if (!isKeptDuration(policy.expirationInterval)) return 'ExpirationIntervalInSeconds is out of range on retry policy.';
  const initial = secondsOf(policy.initialInterval);
  const maximum = secondsOf(policy.maximumInterval);
  const expiration = secondsOf(policy.expirationInterval);
  if (initial <= 0) return 'InitialIntervalInSeconds must be greater than 0 on retry policy.';
  if (!(policy.backoffCoefficient >= 1)) return 'BackoffCoefficient cannot be less than 1 on retry policy.';
  if (maximum < 0) return 'MaximumIntervalInSeconds cannot be less than 0 on retry policy.';
  if (maximum > 0 && maximum < initial) {
    return 'MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy.';
  }
  if (policy.maximumAttempts < 0) return 'MaximumAttempts cannot be less than 0 on retry policy.';
  if (expiration < 0) return 'ExpirationIntervalInSeconds cannot be less than 0 on retry policy.';
  if (policy.maximumAttempts === 0 && expiration === 0) {
    return 'MaximumAttempts and ExpirationIntervalInSeconds are both 0. At least one of them must be specified.';
  }
  return undefined;
}

export interface RetryQuestion {
  readonly policy: RetryPolicy | undefined;
  /** From 0. */
  readonly attempt: number;
  /** 0: none. */
  readonly expirationTimeMs: number;
  readonly nowMs: number;
  readonly reason: string;
}

/** How long to wait before the next attempt; undefined when there is none. */
export function nextRetryDelayMs(question: RetryQuestion): number | undefined {
  const { policy, attempt, expirationTimeMs, nowMs, reason } = question;
  if (policy === undefined) return undefined;
  const { maximumAttempts, backoffCoefficient } = policy;
  if (maximumAttempts === 0 && expirationTimeMs === 0) return undefined;
  if (maximumAttempts > 0 && attempt >= maximumAttempts - 1) return undefined;
  const maximum = secondsOf(policy.maximumInterval);
  let seconds = Math.trunc(secondsOf(policy.initialInterval) * backoffCoefficient ** attempt);
  if (!(seconds > 0) || seconds > DELAY_SECONDS_MAX) {
    if (maximum <= 0) return undefined;
    seconds = maximum;
  }
  if (maximum > 0 && seconds > maximum) seconds = maximum;
  const delayMs = seconds * 1000;
  if (expirationTimeMs > 0 && nowMs + delayMs > expirationTimeMs) return undefined;
  if (SIZE_REASONS.has(reason) || policy.nonRetryableErrorReasons.includes(reason)) return undefined;
  return delayMs;
}
