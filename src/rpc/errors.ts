// ServiceError ⇄ gRPC status, both ways: the only file that knows gRPC status codes. Clients decide by (code, type of details[0])
// alone, so the table of semantics §1.4 is kept to the letter: BadRequest carries no detail (any other detail makes the Go client retry
// forever), NOT_FOUND and RESOURCE_EXHAUSTED always carry one. What is internal leaves without its insides: no stack, no store text.
// Cadence: common/types/mapper/proto/errors.go, service/frontend/wrappers/metered.
import type { OutgoingHttpHeaders } from 'node:http2';
import {
  WorkflowExecutionAlreadyStartedError as AlreadyStartedDetail,
  CancellationAlreadyRequestedError,
  ClientVersionNotSupportedError as ClientVersionNotSupportedDetail,
  DomainAlreadyExistsError,
  DomainNotActiveError as DomainNotActiveDetail,
  EntityNotExistsError as EntityNotExistsDetail,
  FeatureNotEnabledError as FeatureNotEnabledDetail,
  LimitExceededError,
  QueryFailedError,
  ServiceBusyError as ServiceBusyDetail,
  StickyWorkerUnavailableError,
  WorkflowExecutionAlreadyCompletedError,
} from '@antiphon/proto';
import { Status } from '@antiphon/proto/google';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import {
  ClientVersionNotSupportedError,
  DomainNotActiveError,
  EntityNotExistsError,
  FeatureNotEnabledError,
  ServiceBusyError,
  ServiceError,
  type ServiceErrorKind,
  StoreError,
  WorkflowExecutionAlreadyStartedError,
} from '#base';

/** What grpc-js sends: also the shape of what its client reports. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

const DETAILS_KEY = 'grpc-status-details-bin';
const TYPE_PREFIX = 'type.googleapis.com/uber.cadence.api.v1.';
const INTERNAL_PREFIX = 'cadence internal error, msg: ';
const UNCATEGORIZED_PREFIX = 'cadence internal uncategorized error, msg: ';
// Status text travels twice in the trailers, percent-encoded (up to nine bytes a character) and in base64; HTTP/2 peers take 64 KiB.
const MESSAGE_CHARS_MAX = 4000;

interface Detail {
  readonly type: string;
  readonly value: Uint8Array;
}

interface Encoded {
  readonly code: number;
  readonly message: string;
  readonly detail?: Detail;
}

const EMPTY = new Uint8Array();
const detail = (type: string, value: Uint8Array = EMPTY): Detail => ({ type, value });

const CODES: Readonly<Record<ServiceErrorKind, number>> = {
  BadRequest: status.INVALID_ARGUMENT,
  QueryFailed: status.INVALID_ARGUMENT,
  EntityNotExists: status.NOT_FOUND,
  WorkflowExecutionAlreadyCompleted: status.NOT_FOUND,
  WorkflowExecutionAlreadyStarted: status.ALREADY_EXISTS,
  DomainAlreadyExists: status.ALREADY_EXISTS,
  CancellationAlreadyRequested: status.ALREADY_EXISTS,
  AccessDenied: status.PERMISSION_DENIED,
  LimitExceeded: status.RESOURCE_EXHAUSTED,
  ServiceBusy: status.RESOURCE_EXHAUSTED,
  ClientVersionNotSupported: status.FAILED_PRECONDITION,
  FeatureNotEnabled: status.FAILED_PRECONDITION,
  DomainNotActive: status.FAILED_PRECONDITION,
  InternalDataInconsistency: status.DATA_LOSS,
  StickyWorkerUnavailable: status.UNAVAILABLE,
  Unimplemented: status.UNIMPLEMENTED,
  Unavailable: status.UNAVAILABLE,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
  Cancelled: status.CANCELLED,
  // The caller can only try again, and every client retries UNAVAILABLE; the Python one does not retry UNKNOWN.
  ShardOwnershipLost: status.UNAVAILABLE,
  // Internal: never leave a healthy server. The metered wrapper of the reference makes them UNKNOWN.
  InternalService: status.UNKNOWN,
  EventAlreadyStarted: status.UNKNOWN,
  CurrentBranchChanged: status.UNKNOWN,
  RetryTaskV2: status.UNKNOWN,
};

// Errors that are thrown again and again, because they say the same of each call: refusals. Their statuses are made once.
const sharedStatuses = new WeakMap<Error, GrpcStatus>();

/** The status that a call which threw `error` ends with. */
export function statusFromError(error: unknown): GrpcStatus {
  if (!(error instanceof ServiceBusyError && Object.isFrozen(error))) return newStatus(error);
  let found = sharedStatuses.get(error);
  if (found === undefined) {
    found = Object.freeze(newStatus(error));
    sharedStatuses.set(error, found);
  }
  return found;
}

function newStatus(error: unknown): GrpcStatus {
  const encoded = encodeError(error);
  const message = presentable(encoded.message);
  const metadata = new Metadata();
  if (encoded.detail !== undefined) {
    const bytes = Status.encode({
      code: encoded.code,
      message,
      details: [{ typeUrl: TYPE_PREFIX + encoded.detail.type, value: encoded.detail.value }],
    }).finish();
    metadata.set(DETAILS_KEY, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return { code: encoded.code, details: message, metadata };
}

// Of statuses that are made once.
const sharedHeaders = new WeakMap<GrpcStatus, OutgoingHttpHeaders>();

/** The status as the headers of an answer that is nothing else. */
export function statusHeaders(status: GrpcStatus): OutgoingHttpHeaders {
  let found = sharedHeaders.get(status);
  if (found === undefined) {
    found = {
      ...plainStatusHeaders(status.code, status.details),
      ...status.metadata.toHttp2Headers(),
    };
    if (Object.isFrozen(status)) sharedHeaders.set(status, found);
  }
  return found;
}

export const plainStatusHeaders = (code: number, message: string): OutgoingHttpHeaders => ({
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-status': code,
  'grpc-message': encodeURI(message),
});

/** The same as an encoded google.rpc.Status, for transports without trailers. */
export function encodeStatus(error: unknown): Uint8Array {
  const encoded = encodeError(error);
  const details =
    encoded.detail === undefined ? [] : [{ typeUrl: TYPE_PREFIX + encoded.detail.type, value: encoded.detail.value }];
  return Status.encode({ code: encoded.code, message: presentable(encoded.message), details }).finish();
}

/** True when the error is a defect or an outage of ours, so that somebody should see it in the log. */
export function isUnexpected(error: unknown): boolean {
  if (error instanceof StoreError) return true;
  if (error instanceof ServiceError)
    return CODES[error.kind] === status.UNKNOWN || CODES[error.kind] === status.DATA_LOSS;
  return !isAbort(error);
}

function encodeError(error: unknown): Encoded {
  if (error instanceof ServiceError) {
    const code = CODES[error.kind];
    return { code, message: messageOf(error), ...optional(detailOf(error)) };
  }
  if (error instanceof StoreError) return encodeStoreError(error);
  if (isAbort(error)) return { code: status.CANCELLED, message: 'The call was cancelled.' };
  // The text of an unknown exception may hold anything; its kind is enough for the caller, the log has the rest.
  const name = error instanceof Error ? error.name : typeof error;
  return { code: status.UNKNOWN, message: `${UNCATEGORIZED_PREFIX}unexpected ${name}` };
}

const optional = (value: Detail | undefined): { detail?: Detail } => (value === undefined ? {} : { detail: value });

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

function messageOf(error: ServiceError): string {
  if (error.kind === 'InternalService') return INTERNAL_PREFIX + error.message;
  return CODES[error.kind] === status.UNKNOWN ? UNCATEGORIZED_PREFIX + error.message : error.message;
}

// A store error that reaches the edge: nobody below knew a better answer. A write whose outcome is unknown may have happened; the
// caller's retry with the same request id is harmless.
function encodeStoreError(error: StoreError): Encoded {
  switch (error.kind) {
    case 'Corrupt':
      return { code: status.DATA_LOSS, message: 'Stored data is damaged.' };
    case 'Full': {
      const value = ServiceBusyDetail.encode({ reason: 'storage full' }).finish();
      return {
        code: status.RESOURCE_EXHAUSTED,
        message: 'The storage of this cluster is full: nothing was written.',
        detail: detail('ServiceBusyError', value),
      };
    }
    case 'Timeout':
      return { code: status.UNAVAILABLE, message: 'Persistence timed out: the outcome is unknown, please retry.' };
    case 'ConditionFailed':
    case 'ShardOwnershipLost':
    case 'Unavailable':
      return { code: status.UNAVAILABLE, message: 'Persistence is unavailable, please retry.' };
  }
}

function detailOf(error: ServiceError): Detail | undefined {
  if (error instanceof EntityNotExistsError) {
    const { currentCluster, activeCluster } = error;
    const activeClusters = activeCluster === '' ? [] : [activeCluster];
    return detail(
      'EntityNotExistsError',
      EntityNotExistsDetail.encode({ currentCluster, activeCluster, activeClusters }).finish(),
    );
  }
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    const { startRequestId, runId } = error;
    return detail(
      'WorkflowExecutionAlreadyStartedError',
      AlreadyStartedDetail.encode({ startRequestId, runId }).finish(),
    );
  }
  if (error instanceof ServiceBusyError) {
    return detail('ServiceBusyError', ServiceBusyDetail.encode({ reason: error.reason }).finish());
  }
  if (error instanceof ClientVersionNotSupportedError) {
    const { featureVersion, clientImpl, supportedVersions } = error;
    return detail(
      'ClientVersionNotSupportedError',
      ClientVersionNotSupportedDetail.encode({ featureVersion, clientImpl, supportedVersions }).finish(),
    );
  }
  if (error instanceof FeatureNotEnabledError) {
    return detail(
      'FeatureNotEnabledError',
      FeatureNotEnabledDetail.encode({ featureFlag: error.featureFlag }).finish(),
    );
  }
  if (error instanceof DomainNotActiveError) {
    const { domain, currentCluster, activeCluster, activeClusters } = error;
    const fields = { domain, currentCluster, activeCluster, activeClusters: [...activeClusters] };
    return detail('DomainNotActiveError', DomainNotActiveDetail.encode(fields).finish());
  }
  return fieldlessDetail(error.kind);
}

// A kind made without its class still has to carry the detail type: clients hang without one.
function fieldlessDetail(kind: ServiceErrorKind): Detail | undefined {
  switch (kind) {
    case 'QueryFailed':
      return detail('QueryFailedError', QueryFailedError.encode({}).finish());
    case 'EntityNotExists':
    case 'ServiceBusy':
    case 'ClientVersionNotSupported':
    case 'FeatureNotEnabled':
    case 'DomainNotActive':
    case 'WorkflowExecutionAlreadyStarted':
      return detail(`${kind}Error`);
    case 'WorkflowExecutionAlreadyCompleted':
      return detail(
        'WorkflowExecutionAlreadyCompletedError',
        WorkflowExecutionAlreadyCompletedError.encode({}).finish(),
      );
    case 'DomainAlreadyExists':
      return detail('DomainAlreadyExistsError', DomainAlreadyExistsError.encode({}).finish());
    case 'CancellationAlreadyRequested':
      return detail('CancellationAlreadyRequestedError', CancellationAlreadyRequestedError.encode({}).finish());
    case 'LimitExceeded':
      return detail('LimitExceededError', LimitExceededError.encode({}).finish());
    case 'StickyWorkerUnavailable':
      return detail('StickyWorkerUnavailableError', StickyWorkerUnavailableError.encode({}).finish());
    default:
      return undefined;
  }
}

// grpc-js percent-encodes the text with encodeURI, which throws on half a surrogate pair.
function presentable(message: string): string {
  const text = message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** The ServiceError that a peer's status stands for. */
export function errorFromStatus(
  received: Pick<StatusObject, 'code' | 'details'> & { metadata?: Metadata },
): ServiceError {
  const { code, details: message } = received;
  const found = readDetail(received.metadata);
  const known = found === undefined ? undefined : errorFromDetail(found, message);
  if (known !== undefined) return known;
  switch (code) {
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return new ServiceError('BadRequest', message);
    case status.NOT_FOUND:
      return new EntityNotExistsError(message);
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
      return new ServiceError('AccessDenied', message);
    case status.RESOURCE_EXHAUSTED:
      return new ServiceError('LimitExceeded', message);
    case status.DATA_LOSS:
      return new ServiceError('InternalDataInconsistency', message);
    case status.UNIMPLEMENTED:
      return new ServiceError('Unimplemented', message);
    case status.UNAVAILABLE:
      return new ServiceError('Unavailable', message);
    case status.DEADLINE_EXCEEDED:
      return new ServiceError('DeadlineExceeded', message);
    case status.CANCELLED:
      return new ServiceError('Cancelled', message);
    default:
      return new ServiceError('InternalService', stripPrefix(message));
  }
}

function stripPrefix(message: string): string {
  for (const prefix of [INTERNAL_PREFIX, UNCATEGORIZED_PREFIX]) {
    if (message.startsWith(prefix)) return message.slice(prefix.length);
  }
  return message;
}

function readDetail(metadata: Metadata | undefined): Detail | undefined {
  const bytes = metadata?.get(DETAILS_KEY)[0];
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    const first = Status.decode(bytes).details[0];
    if (first === undefined) return undefined;
    return { type: first.typeUrl.slice(first.typeUrl.lastIndexOf('.') + 1), value: first.value };
  } catch {
    return undefined; // A detail that does not decode says nothing; code and text remain.
  }
}

const FIELDLESS_KINDS: Readonly<Record<string, ServiceErrorKind>> = {
  QueryFailedError: 'QueryFailed',
  WorkflowExecutionAlreadyCompletedError: 'WorkflowExecutionAlreadyCompleted',
  DomainAlreadyExistsError: 'DomainAlreadyExists',
  CancellationAlreadyRequestedError: 'CancellationAlreadyRequested',
  LimitExceededError: 'LimitExceeded',
  StickyWorkerUnavailableError: 'StickyWorkerUnavailable',
};

function errorFromDetail(found: Detail, message: string): ServiceError | undefined {
  switch (found.type) {
    case 'EntityNotExistsError':
      return new EntityNotExistsError(message, EntityNotExistsDetail.decode(found.value));
    case 'WorkflowExecutionAlreadyStartedError': {
      const { startRequestId, runId } = AlreadyStartedDetail.decode(found.value);
      return new WorkflowExecutionAlreadyStartedError(message, startRequestId, runId);
    }
    case 'ServiceBusyError':
      return new ServiceBusyError(message, ServiceBusyDetail.decode(found.value).reason);
    case 'ClientVersionNotSupportedError': {
      const { featureVersion, clientImpl, supportedVersions } = ClientVersionNotSupportedDetail.decode(found.value);
      return withMessage(new ClientVersionNotSupportedError(featureVersion, clientImpl, supportedVersions), message);
    }
    case 'FeatureNotEnabledError':
      return withMessage(new FeatureNotEnabledError(FeatureNotEnabledDetail.decode(found.value).featureFlag), message);
    case 'DomainNotActiveError': {
      const { domain, currentCluster, activeCluster, activeClusters } = DomainNotActiveDetail.decode(found.value);
      return withMessage(new DomainNotActiveError(domain, currentCluster, activeCluster, activeClusters), message);
    }
    default: {
      const kind = Object.hasOwn(FIELDLESS_KINDS, found.type) ? FIELDLESS_KINDS[found.type] : undefined;
      return kind === undefined ? undefined : new ServiceError(kind, message);
    }
  }
}

// Classes that compose their text from their fields; the sender's text is the one that counts.
function withMessage<E extends ServiceError>(error: E, message: string): E {
  error.message = message;
  return error;
}
