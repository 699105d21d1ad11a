import { describe, expect, it } from 'vitest';
import {
  ClientVersionNotSupportedError,
  DomainNotActiveError,
  EntityNotExistsError,
  FeatureNotEnabledError,
  InvariantViolation,
  RetryTaskV2Error,
  ServiceBusyError,
  ServiceError,
  type ServiceErrorKind,
  ShardOwnershipLostError,
  StoreError,
  type StoreErrorKind,
  WorkflowExecutionAlreadyStartedError,
} from '#base';
import { errorFromFailure, failureFromError } from '#rpc';

const KINDS: readonly ServiceErrorKind[] = [
  'BadRequest',
  'QueryFailed',
  'WorkflowExecutionAlreadyCompleted',
  'DomainAlreadyExists',
  'CancellationAlreadyRequested',
  'EventAlreadyStarted',
  'AccessDenied',
  'LimitExceeded',
  'InternalService',
  'InternalDataInconsistency',
  'StickyWorkerUnavailable',
  'CurrentBranchChanged',
  'Unimplemented',
  'Unavailable',
  'DeadlineExceeded',
  'Cancelled',
];

const STORE_KINDS: readonly StoreErrorKind[] = [
  'ConditionFailed',
  'ShardOwnershipLost',
  'Timeout',
  'Unavailable',
  'Full',
  'Corrupt',
];

const errors: readonly Error[] = [
  ...KINDS.map((kind) => new ServiceError(kind, `text of ${kind}`)),
  ...STORE_KINDS.map((kind) => new StoreError(kind, `text of ${kind}`)),
  new EntityNotExistsError('not there', { currentCluster: 'a', activeCluster: 'b' }),
  new WorkflowExecutionAlreadyStartedError('is running', 'request', 'run'),
  new ServiceBusyError('slow down', 'domain'),
  new ClientVersionNotSupportedError('9.0', 'uber-go', '<2'),
  new FeatureNotEnabledError('replication'),
  new DomainNotActiveError('orders', 'a', 'b'),
  new DomainNotActiveError('orders', 'a', 'b', ['a', 'b']),
  new ShardOwnershipLostError(7, { owner: 'host-2:7900' }),
  new ShardOwnershipLostError(0),
  new RetryTaskV2Error({ domainId: 'd', workflowId: 'w', runId: 'r', end: { eventId: 7, version: 11 } }),
  new RetryTaskV2Error({
    domainId: 'd',
    workflowId: 'w',
    runId: 'r',
    start: { eventId: 3, version: 1 },
    end: { eventId: 7, version: 11 },
  }),
];

const fieldsOf = (error: Error) => ({ ...error, name: error.name, message: error.message });

describe('errors between hosts', () => {
  it.each(errors.map((error) => [`${error.name}: ${error.message}`, error] as const))('keep all of %s', (_, error) => {
    const received = errorFromFailure(failureFromError(error));
    expect(received.constructor).toBe(error.constructor);
    expect(fieldsOf(received)).toEqual(fieldsOf(error));
  });

  it('do not carry what a defect says', () => {
    const failure = failureFromError(new InvariantViolation('secret of the state', {}));
    expect(failure.message).not.toContain('secret');
    expect(errorFromFailure(failure)).toMatchObject({ kind: 'InternalService' });
  });

  it('bound a long text', () => {
    const received = errorFromFailure(failureFromError(new ServiceError('BadRequest', 'x'.repeat(50_000))));
    expect(received.message.length).toBeLessThan(5_000);
  });
});
