import { Status } from '@antiphon/proto/google';
import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import {
  accessDenied,
  alreadyCompleted,
  badRequest,
  ClientVersionNotSupportedError,
  cancellationAlreadyRequested,
  cancelled,
  DomainNotActiveError,
  dataInconsistency,
  deadlineExceeded,
  domainAlreadyExists,
  EntityNotExistsError,
  eventAlreadyStarted,
  featureNotEnabled,
  internalService,
  limitExceeded,
  queryFailed,
  RetryTaskV2Error,
  ServiceBusyError,
  ServiceError,
  type ServiceErrorKind,
  ShardOwnershipLostError,
  StoreError,
  type StoreErrorKind,
  stickyWorkerUnavailable,
  unavailable,
  unimplemented,
  WorkflowExecutionAlreadyStartedError,
} from '#base';
import { errorFromStatus, statusFromError } from '#rpc';

// [error, code, detail type, kind that a client sees]
type Row = readonly [ServiceError, number, string | undefined, ServiceErrorKind];
const rows: Readonly<Record<ServiceErrorKind, Row>> = {
  BadRequest: [badRequest('Domain not set on request.'), status.INVALID_ARGUMENT, undefined, 'BadRequest'],
  QueryFailed: [queryFailed('unknown query'), status.INVALID_ARGUMENT, 'QueryFailedError', 'QueryFailed'],
  EntityNotExists: [
    new EntityNotExistsError('Domain x does not exist.', { currentCluster: 'a', activeCluster: 'b' }),
    status.NOT_FOUND,
    'EntityNotExistsError',
    'EntityNotExists',
  ],
  WorkflowExecutionAlreadyCompleted: [
    alreadyCompleted(),
    status.NOT_FOUND,
    'WorkflowExecutionAlreadyCompletedError',
    'WorkflowExecutionAlreadyCompleted',
  ],
  WorkflowExecutionAlreadyStarted: [
    new WorkflowExecutionAlreadyStartedError('already running', 'request-1', 'run-1'),
    status.ALREADY_EXISTS,
    'WorkflowExecutionAlreadyStartedError',
    'WorkflowExecutionAlreadyStarted',
  ],
  DomainAlreadyExists: [
    domainAlreadyExists('it exists'),
    status.ALREADY_EXISTS,
    'DomainAlreadyExistsError',
    'DomainAlreadyExists',
  ],
  CancellationAlreadyRequested: [
    cancellationAlreadyRequested(),
    status.ALREADY_EXISTS,
    'CancellationAlreadyRequestedError',
    'CancellationAlreadyRequested',
  ],
  EventAlreadyStarted: [eventAlreadyStarted('started'), status.UNKNOWN, undefined, 'InternalService'],
  AccessDenied: [accessDenied(), status.PERMISSION_DENIED, undefined, 'AccessDenied'],
  LimitExceeded: [limitExceeded('too many'), status.RESOURCE_EXHAUSTED, 'LimitExceededError', 'LimitExceeded'],
  ServiceBusy: [new ServiceBusyError('busy', 'quota'), status.RESOURCE_EXHAUSTED, 'ServiceBusyError', 'ServiceBusy'],
  ClientVersionNotSupported: [
    new ClientVersionNotSupportedError('9.0.0', 'uber-go', '<=1.7.0'),
    status.FAILED_PRECONDITION,
    'ClientVersionNotSupportedError',
    'ClientVersionNotSupported',
  ],
  FeatureNotEnabled: [
    featureNotEnabled('async'),
    status.FAILED_PRECONDITION,
    'FeatureNotEnabledError',
    'FeatureNotEnabled',
  ],
  DomainNotActive: [
    new DomainNotActiveError('orders', 'a', 'b'),
    status.FAILED_PRECONDITION,
    'DomainNotActiveError',
    'DomainNotActive',
  ],
  InternalService: [internalService('broken'), status.UNKNOWN, undefined, 'InternalService'],
  InternalDataInconsistency: [dataInconsistency('gap'), status.DATA_LOSS, undefined, 'InternalDataInconsistency'],
  StickyWorkerUnavailable: [
    stickyWorkerUnavailable(),
    status.UNAVAILABLE,
    'StickyWorkerUnavailableError',
    'StickyWorkerUnavailable',
  ],
  ShardOwnershipLost: [new ShardOwnershipLostError(3), status.UNAVAILABLE, undefined, 'Unavailable'],
  CurrentBranchChanged: [
    new ServiceError('CurrentBranchChanged', 'branch changed'),
    status.UNKNOWN,
    undefined,
    'InternalService',
  ],
  RetryTaskV2: [
    new RetryTaskV2Error({ domainId: 'd', workflowId: 'w', runId: 'r' }),
    status.UNKNOWN,
    undefined,
    'InternalService',
  ],
  Unimplemented: [unimplemented('not served'), status.UNIMPLEMENTED, undefined, 'Unimplemented'],
  Unavailable: [unavailable('away'), status.UNAVAILABLE, undefined, 'Unavailable'],
  DeadlineExceeded: [deadlineExceeded('late'), status.DEADLINE_EXCEEDED, undefined, 'DeadlineExceeded'],
  Cancelled: [cancelled('gone'), status.CANCELLED, undefined, 'Cancelled'],
};

function detailsOf(metadata: Metadata): Status | undefined {
  const bytes = metadata.get('grpc-status-details-bin')[0];
  return bytes === undefined ? undefined : Status.decode(bytes as Buffer);
}

describe('errors on the wire', () => {
  test.each(Object.entries(rows))('%s has its code and its detail, and comes back', (_, row) => {
    const [error, code, detailType, seenAs] = row;
    const encoded = statusFromError(error);
    expect(encoded.code).toBe(code);
    const details = detailsOf(encoded.metadata);
    expect(details?.details.map((any) => any.typeUrl)).toEqual(
      detailType === undefined ? undefined : [`type.googleapis.com/uber.cadence.api.v1.${detailType}`],
    );
    if (details !== undefined) expect(details).toMatchObject({ code, message: encoded.details });
    const back = errorFromStatus(encoded);
    expect(back.kind).toBe(seenAs);
    expect(back.message).toBe(error.message);
    if (seenAs === error.kind) expect({ ...back }).toEqual({ ...error });
  });

  test('an internal error leaves as UNKNOWN with the text of the reference', () => {
    expect(statusFromError(internalService('Shutting down'))).toMatchObject({
      code: status.UNKNOWN,
      details: 'cadence internal error, msg: Shutting down',
    });
    expect(statusFromError(new ServiceError('CurrentBranchChanged', 'x')).details).toBe(
      'cadence internal uncategorized error, msg: x',
    );
  });

  test.each([
    ['ConditionFailed', status.UNAVAILABLE],
    ['ShardOwnershipLost', status.UNAVAILABLE],
    ['Timeout', status.UNAVAILABLE],
    ['Unavailable', status.UNAVAILABLE],
    ['Full', status.RESOURCE_EXHAUSTED],
    ['Corrupt', status.DATA_LOSS],
  ] satisfies [StoreErrorKind, number][])('a store error %s says nothing of the store', (kind, code) => {
    const encoded = statusFromError(new StoreError(kind, 'SELECT secret FROM rows'));
    expect(encoded.code).toBe(code);
    expect(encoded.details).not.toContain('secret');
  });

  test('a full store is ServiceBusy, so that clients wait before they try again', () => {
    expect(errorFromStatus(statusFromError(new StoreError('Full', 'disk')))).toMatchObject({
      kind: 'ServiceBusy',
      reason: 'storage full',
    });
  });

  test('an unknown exception leaks neither its text nor its stack', () => {
    const encoded = statusFromError(new TypeError('cannot read properties of /etc/secret'));
    expect(encoded.code).toBe(status.UNKNOWN);
    expect(encoded.details).toBe('cadence internal uncategorized error, msg: unexpected TypeError');
    expect(statusFromError('text').details).toBe('cadence internal uncategorized error, msg: unexpected string');
  });

  test('an abort is CANCELLED', () => {
    expect(statusFromError(AbortSignal.abort().reason).code).toBe(status.CANCELLED);
  });

  test('a long or malformed text still fits the trailers', () => {
    const encoded = statusFromError(badRequest(`${'é'.repeat(1 << 20)}`));
    expect(encoded.details.length).toBeLessThan(4100);
    expect(() => encodeURI(statusFromError(badRequest('half \ud800 pair')).details)).not.toThrow();
  });

  test('a peer that sends no detail is understood by its code', () => {
    const kinds = Object.fromEntries(
      [3, 4, 1, 5, 7, 16, 8, 12, 13, 14, 15, 2].map((code) => [
        code,
        errorFromStatus({ code, details: 'x', metadata: new Metadata() }).kind,
      ]),
    );
    expect(kinds).toEqual({
      1: 'Cancelled',
      2: 'InternalService',
      3: 'BadRequest',
      4: 'DeadlineExceeded',
      5: 'EntityNotExists',
      7: 'AccessDenied',
      8: 'LimitExceeded',
      12: 'Unimplemented',
      13: 'InternalService',
      14: 'Unavailable',
      15: 'InternalDataInconsistency',
      16: 'AccessDenied',
    });
  });

  test('a damaged detail does not hide the error', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(errorFromStatus({ code: 3, details: 'bad', metadata })).toMatchObject({
      kind: 'BadRequest',
      message: 'bad',
    });
  });
});
