// Retry policies: Cadence's texts and its arithmetic in whole seconds (semantics §2.7, §2.10).

import type { RetryPolicy } from '@antiphon/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRetryDelayMs, retryPolicyFault, validateRetryPolicy } from '#core';

const duration = (seconds: number, nanos = 0) => ({ seconds: BigInt(seconds), nanos });
const policy = (fields: Partial<RetryPolicy> = {}): RetryPolicy => ({
  initialInterval: duration(1),
  backoffCoefficient: 2,
  maximumInterval: undefined,
  maximumAttempts: 5,
  nonRetryableErrorReasons: [],
  expirationInterval: undefined,
  ...fields,
});
const delay = (
  fields: Partial<RetryPolicy>,
  attempt: number,
  more: { expirationTimeMs?: number; reason?: string } = {},
) => nextRetryDelayMs({ policy: policy(fields), attempt, expirationTimeMs: 0, nowMs: 0, reason: 'oops', ...more });

describe('validation', () => {
  it.each([
    [{}, undefined],
    [{ initialInterval: duration(0, 500_000_000) }, 'InitialIntervalInSeconds must be greater than 0 on retry policy.'],
    [{ backoffCoefficient: 0.5 }, 'BackoffCoefficient cannot be less than 1 on retry policy.'],
    [{ backoffCoefficient: Number.NaN }, 'BackoffCoefficient cannot be less than 1 on retry policy.'],
    [{ maximumInterval: duration(-1) }, 'MaximumIntervalInSeconds cannot be less than 0 on retry policy.'],
    [
      { initialInterval: duration(5), maximumInterval: duration(4) },
      'MaximumIntervalInSeconds cannot be less than InitialIntervalInSeconds on retry policy.',
    ],
    [{ maximumAttempts: -1 }, 'MaximumAttempts cannot be less than 0 on retry policy.'],
    [{ expirationInterval: duration(-1) }, 'ExpirationIntervalInSeconds cannot be less than 0 on retry policy.'],
    [
      { maximumAttempts: 0 },
      'MaximumAttempts and ExpirationIntervalInSeconds are both 0. At least one of them must be specified.',
    ],
    [{ maximumAttempts: 0, expirationInterval: duration(60) }, undefined],
  ])('of %o says %s', (fields, fault) => {
    expect(retryPolicyFault(policy(fields))).toBe(fault);
    if (fault !== undefined) expect(() => validateRetryPolicy(policy(fields))).toThrow(fault);
  });

  it('takes the absence of a policy', () => {
    expect(() => validateRetryPolicy(undefined)).not.toThrow();
  });
});

describe('the delay', () => {
  it('grows by the coefficient', () => {
    expect([0, 1, 2, 3].map((attempt) => delay({}, attempt))).toEqual([1000, 2000, 4000, 8000]);
  });

  it('is whole seconds, cut off', () => {
    expect(delay({ initialInterval: duration(3), backoffCoefficient: 1.5 }, 1)).toBe(4000);
  });

  it('ends with the last attempt', () => {
    expect(delay({ maximumAttempts: 3 }, 1)).toBe(2000);
    expect(delay({ maximumAttempts: 3 }, 2)).toBeUndefined();
  });

  it('is bounded by the maximum interval, also when it overflows', () => {
    expect(delay({ maximumInterval: duration(3), maximumAttempts: 0 }, 9, { expirationTimeMs: 1e9 })).toBe(3000);
    const endless = { backoffCoefficient: 1e300, maximumAttempts: 100 };
    expect(delay({ ...endless, maximumInterval: duration(7) }, 5)).toBe(7000);
    expect(delay(endless, 5)).toBeUndefined();
  });

  it('does not reach past the expiration', () => {
    expect(delay({}, 2, { expirationTimeMs: 4000 })).toBe(4000);
    expect(delay({}, 2, { expirationTimeMs: 3999 })).toBeUndefined();
  });

  it('is none for reasons that are not retried', () => {
    expect(delay({ nonRetryableErrorReasons: ['oops'] }, 0)).toBeUndefined();
    expect(delay({ nonRetryableErrorReasons: ['oop'] }, 0)).toBe(1000);
    expect(delay({}, 0, { reason: 'COMPLETE_RESULT_EXCEEDS_LIMIT' })).toBeUndefined();
    expect(delay({}, 0, { reason: 'FAILURE_DETAILS_EXCEEDS_LIMIT' })).toBe(1000);
  });

  it('is none without a policy or without any limit', () => {
    const question = { attempt: 0, expirationTimeMs: 0, nowMs: 0, reason: '' };
    expect(nextRetryDelayMs({ ...question, policy: undefined })).toBeUndefined();
    expect(nextRetryDelayMs({ ...question, policy: policy({ maximumAttempts: 0 }) })).toBeUndefined();
  });

  it('is whole positive seconds for every valid policy', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        fc.nat(200),
        (initial, coefficient, attempt) => {
          const result = delay(
            { initialInterval: duration(initial), backoffCoefficient: coefficient, maximumAttempts: 1000 },
            attempt,
          );
          if (result === undefined) return;
          expect(result % 1000).toBe(0);
          expect(result).toBeGreaterThanOrEqual(1000);
        },
      ),
    );
  });
});
