import { RetryPolicy, StartWorkflowExecutionRequest } from '@antiphon/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ServiceError } from '#base';
import { DEFAULT_LIMITS } from '#core';
import { createSimulatedEnv } from '#env';
import { SEARCH_ATTRIBUTES } from '#visibility';
import { validatedRetryPolicy } from '../../../src/frontend/retry-policy.ts';
import { validatedStart } from '../../../src/frontend/start-validation.ts';

const deps = {
  env: createSimulatedEnv({ seed: 1 }),
  searchAttributes: () => SEARCH_ATTRIBUTES,
};
const seconds = (value: number, nanos = 0) => ({ seconds: BigInt(value), nanos });
const good: StartWorkflowExecutionRequest = {
  ...StartWorkflowExecutionRequest.create(),
  domain: 'shop',
  workflowId: 'order-1',
  workflowType: { name: 'Order' },
  taskList: { name: 'orders', kind: 0, baseName: '' },
  executionStartToCloseTimeout: seconds(60),
  taskStartToCloseTimeout: seconds(10),
  requestId: '5b0a7b8e-7b9c-4c59-9d43-0d7f7a1f2a11',
};
const validate = (fields: Partial<StartWorkflowExecutionRequest>) =>
  validatedStart({ ...good, ...fields }, deps, { requestIdIsUuid: true, limits: DEFAULT_LIMITS });

describe('a start request', () => {
  test('that is whole passes, with defaults set and the given left', () => {
    expect(validate({ cronOverlapPolicy: 2, workflowIdReusePolicy: 4 })).toEqual({
      ...good,
      cronOverlapPolicy: 2,
      workflowIdReusePolicy: 4,
      retryPolicy: undefined,
      delayStart: undefined,
      jitterStart: undefined,
    });
  });

  test('keeps a missing delay apart from none', () => {
    expect(validate({ delayStart: seconds(0, 1) }).delayStart).toEqual(seconds(0));
    expect(validate({}).delayStart).toBeUndefined();
  });

  test.each(['@every 5s', '@daily', '0 12 * * 1-5', 'CRON_TZ=UTC 0 0 1 1 *', '*/5 * * * *'])(
    'takes the schedule %s',
    (cronSchedule) => {
      expect(validate({ cronSchedule }).cronSchedule).toBe(cronSchedule);
    },
  );

  test('takes attributes of the right type', () => {
    const data = (value: unknown) => ({ data: new TextEncoder().encode(JSON.stringify(value)) });
    const indexedFields = {
      CustomKeywordField: data('a'),
      CustomIntField: data(5),
      CustomBoolField: data(true),
      CustomDatetimeField: data('2026-01-31T12:00:00Z'),
      CadenceChangeVersion: data(['a-1', 'b-2']),
    };
    expect(() => validate({ searchAttributes: { indexedFields } })).not.toThrow();
  });

  test('whatever it holds, is taken or refused as the caller’s fault', () => {
    const duration = fc.option(
      fc.record({ seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), nanos: fc.integer() }),
      { nil: undefined },
    );
    const anything = fc.record(
      {
        workflowId: fc.string({ unit: 'binary', maxLength: 1200 }),
        requestId: fc.oneof(fc.uuid(), fc.string()),
        cronSchedule: fc.oneof(fc.constant(''), fc.string(), fc.stringMatching(/^[\d*/,-]+( [\d*/,-]+){4}$/)),
        executionStartToCloseTimeout: duration,
        taskStartToCloseTimeout: duration,
        delayStart: duration,
        jitterStart: duration,
        firstRunAt: duration,
        workflowIdReusePolicy: fc.integer() as fc.Arbitrary<1>,
        cronOverlapPolicy: fc.integer({ min: -2, max: 5 }) as fc.Arbitrary<1>,
        retryPolicy: fc.record({
          initialInterval: duration,
          backoffCoefficient: fc.double(),
          maximumInterval: duration,
          maximumAttempts: fc.integer(),
          nonRetryableErrorReasons: fc.array(fc.string()),
          expirationInterval: duration,
        }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anything, (fields) => {
        try {
          const request = validate(fields);
          expect(request.executionStartToCloseTimeout?.seconds).toBeGreaterThan(0n);
          expect(request.taskStartToCloseTimeout?.nanos).toBe(0);
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
          expect((error as ServiceError).kind).toBe('BadRequest');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a retry policy', () => {
  test('is used in whole seconds', () => {
    const policy = {
      ...RetryPolicy.create(),
      initialInterval: seconds(1, 5e8),
      backoffCoefficient: 2,
      maximumAttempts: 3,
    };
    expect(validatedRetryPolicy(policy)).toEqual({
      ...policy,
      initialInterval: seconds(1),
      maximumInterval: seconds(0),
      expirationInterval: seconds(0),
    });
    expect(validatedRetryPolicy(undefined)).toBeUndefined();
  });

  test('with an interval out of range is refused', () => {
    const policy = {
      ...RetryPolicy.create(),
      initialInterval: { seconds: 2n ** 50n, nanos: 0 },
      backoffCoefficient: 2,
    };
    expect(() => validatedRetryPolicy(policy)).toThrow('InitialIntervalInSeconds is out of range on retry policy.');
  });
});
