// A workflow's retry policy as a request brings it: brought to whole seconds first, then validated, as the engine will use it
// (semantics §2.10); so half a second of initial interval is refused here and not found out at the first retry.
import type { RetryPolicy } from '@antiphon/proto';
import type { Duration } from '@antiphon/proto/google';
import { badRequest } from '#base';
import { durationOf, normalizedRetryPolicy, validateRetryPolicy } from '#core';
import { secondsOfDuration } from './durations.ts';

/** The policy with its durations truncated; undefined when there is none. */
export function validatedRetryPolicy(policy: RetryPolicy | undefined): RetryPolicy | undefined {
  if (policy === undefined) return undefined;
  const truncated: RetryPolicy = {
    ...policy,
    initialInterval: wholeSeconds(policy.initialInterval, 'InitialInterval'),
    maximumInterval: wholeSeconds(policy.maximumInterval, 'MaximumInterval'),
    expirationInterval: wholeSeconds(policy.expirationInterval, 'ExpirationInterval'),
  };
  validateRetryPolicy(truncated);
  return normalizedRetryPolicy(truncated);
}

function wholeSeconds(duration: Duration | undefined, name: string): Duration | undefined {
  const seconds = secondsOfDuration(duration);
  if (seconds === undefined) return undefined;
  if (Number.isNaN(seconds)) throw badRequest(`${name}InSeconds is out of range on retry policy.`);
  return durationOf(seconds);
}
