// A workflow's retry policy as a request brings it: validated in whole seconds, as the engine will use it (semantics §2.10), so that half
// a second of initial interval is refused here and not found out at the first retry.
// Cadence: common/util.go ValidateRetryPolicy
import type { RetryPolicy } from '@antiphon/proto';
import { badRequest } from '#base';
import { durationOfSeconds, secondsOfDuration } from './durations.ts';

/** The policy with its durations truncated; undefined when there is none. */
export function validatedRetryPolicy(policy: RetryPolicy | undefined): RetryPolicy | undefined {
  if (policy === undefined) return undefined;
  const initial = secondsOfDuration(policy.initialInterval) ?? 0;
  const maximum = secondsOfDuration(policy.maximumInterval) ?? 0;
  const expiration = secondsOfDuration(policy.expirationInterval) ?? 0;
  if (!(initial > 0)) throw badRequest('InitialIntervalInSeconds must be greater than 0 on retry policy.');
  if (!(policy.backoffCoefficient >= 1)) throw badRequest('BackoffCoefficient cannot be less than 1 on retry policy.');
  if (!(maximum >= 0)) throw badRequest('MaximumIntervalInSeconds cannot be less than 0 on retry policy.');
  if (maximum > 0 && maximum < initial) {
    throw badRequest('MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy.');
  }
  if (policy.maximumAttempts < 0) throw badRequest('MaximumAttempts cannot be less than 0 on retry policy.');
  if (!(expiration >= 0)) throw badRequest('ExpirationIntervalInSeconds cannot be less than 0 on retry policy.');
  if (policy.maximumAttempts === 0 && expiration === 0) {
    throw badRequest(
      'MaximumAttempts and ExpirationIntervalInSeconds are both 0. At least one of them must be specified.',
    );
  }
  return {
    ...policy,
    initialInterval: durationOfSeconds(initial),
    maximumInterval: policy.maximumInterval && durationOfSeconds(maximum),
    expirationInterval: policy.expirationInterval && durationOfSeconds(expiration),
  };
}
