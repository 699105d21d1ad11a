// Errors of service calls. The kind is Cadence's error name: it comes from the detail message of the status, and from the
// status code where there is none. Callers decide by kind, never by text.
import {
  CancellationAlreadyRequestedError,
  ClientVersionNotSupportedError,
  DomainAlreadyExistsError,
  DomainNotActiveError,
  EntityNotExistsError,
  FeatureNotEnabledError,
  LimitExceededError,
  QueryFailedError,
  ServiceBusyError,
  WorkflowExecutionAlreadyCompletedError,
  WorkflowExecutionAlreadyStartedError,
} from '@antiphon/proto';
import { Status } from '@antiphon/proto/google';

/** gRPC status codes that the SDK tells apart. */
export const StatusCode = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

const DETAILS = {
  EntityNotExists: EntityNotExistsError,
  WorkflowExecutionAlreadyCompleted: WorkflowExecutionAlreadyCompletedError,
  WorkflowExecutionAlreadyStarted: WorkflowExecutionAlreadyStartedError,
  CancellationAlreadyRequested: CancellationAlreadyRequestedError,
  ClientVersionNotSupported: ClientVersionNotSupportedError,
  DomainAlreadyExists: DomainAlreadyExistsError,
  DomainNotActive: DomainNotActiveError,
  FeatureNotEnabled: FeatureNotEnabledError,
  LimitExceeded: LimitExceededError,
  QueryFailed: QueryFailedError,
  ServiceBusy: ServiceBusyError,
} as const;

export type RpcErrorKind =
  | keyof typeof DETAILS
  | 'AccessDenied'
  | 'BadRequest'
  | 'Cancelled'
  | 'DeadlineExceeded'
  | 'Internal'
  | 'Unavailable'
  | 'Unimplemented'
  | 'Unknown';

const KIND_OF_CODE: Readonly<Record<number, RpcErrorKind>> = {
  [StatusCode.cancelled]: 'Cancelled',
  [StatusCode.invalidArgument]: 'BadRequest',
  [StatusCode.deadlineExceeded]: 'DeadlineExceeded',
  [StatusCode.notFound]: 'EntityNotExists',
  [StatusCode.permissionDenied]: 'AccessDenied',
  [StatusCode.unauthenticated]: 'AccessDenied',
  [StatusCode.resourceExhausted]: 'ServiceBusy',
  [StatusCode.internal]: 'Internal',
  [StatusCode.unavailable]: 'Unavailable',
  [StatusCode.unimplemented]: 'Unimplemented',
};

const NEVER_RETRIED: ReadonlySet<RpcErrorKind> = new Set<RpcErrorKind>([
  'AccessDenied',
  'BadRequest',
  'CancellationAlreadyRequested',
  'Cancelled',
  'ClientVersionNotSupported',
  'DomainAlreadyExists',
  'DomainNotActive',
  'EntityNotExists',
  'FeatureNotEnabled',
  'LimitExceeded',
  'QueryFailed',
  'Unimplemented',
  'WorkflowExecutionAlreadyCompleted',
  'WorkflowExecutionAlreadyStarted',
]);

export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly kind: RpcErrorKind;
  /** gRPC status code. */
  readonly code: number;
  /** Fields of the error's detail message, e.g. the run id of a workflow that is already started. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(kind: RpcErrorKind, message: string, code: number, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.details = details;
  }

  get isRetryable(): boolean {
    return !NEVER_RETRIED.has(this.kind);
  }
}

export function isRpcError(error: unknown, ...kinds: readonly RpcErrorKind[]): error is RpcError {
  return error instanceof RpcError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** `statusDetails` is the content of grpc-status-details-bin. */
export function createRpcError(code: number, message: string, statusDetails: Uint8Array | undefined): RpcError {
  const detail = statusDetails ? Status.decode(statusDetails).details[0] : undefined;
  const typeName = detail?.typeUrl.slice(detail.typeUrl.lastIndexOf('.') + 1).replace(/Error$/, '') ?? '';
  if (detail && Object.hasOwn(DETAILS, typeName)) {
    const kind = typeName as keyof typeof DETAILS;
    return new RpcError(kind, message, code, { ...DETAILS[kind].decode(detail.value) });
  }
  return new RpcError(KIND_OF_CODE[code] ?? 'Unknown', message, code);
}
