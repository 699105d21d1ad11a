// Makes the call that an async request stands for, as the service itself: who asked was authorized when it was accepted. It passes the
// frontend's pipeline, so that a domain that moved meanwhile is served in its new region.
import { SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest } from '@antiphon/proto';
import { ServiceError, type ServiceErrorKind, StoreError, unimplemented } from '#base';
import { type AsyncRequest, createLocalContext, METADATA, type Services } from '#rpc';

const CALL_MS_MAX = 10_000;

export type AsyncOutcome = 'done' | 'refused' | 'busy' | 'failed';

// The same call may succeed later.
const TRANSIENT: ReadonlySet<ServiceErrorKind> = new Set<ServiceErrorKind>([
  'ServiceBusy',
  'Unavailable',
  'DeadlineExceeded',
  'Cancelled',
  'ShardOwnershipLost',
  'DomainNotActive',
]);
const UNEXPECTED: ReadonlySet<ServiceErrorKind> = new Set<ServiceErrorKind>([
  'InternalService',
  'InternalDataInconsistency',
  'Unimplemented',
]);

/** `busy`: try again for as long as it takes. `failed`: a defect, ours or the request's; repeating may not help. */
export function outcomeOf(error: unknown): Exclude<AsyncOutcome, 'done'> {
  if (error instanceof StoreError) return 'busy';
  if (!(error instanceof ServiceError)) return 'failed';
  if (TRANSIENT.has(error.kind)) return 'busy';
  return UNEXPECTED.has(error.kind) ? 'failed' : 'refused';
}

export async function performAsyncRequest(
  services: Services,
  { kind, request, metadata }: AsyncRequest,
  call: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const context = createLocalContext({
    callerName: 'cadence-worker',
    callerType: metadata[METADATA.callerType] ?? 'internal',
    isolationGroup: metadata[METADATA.isolationGroup] ?? '',
    metadataText: (key) => metadata[key] ?? '',
    isSystem: true,
    deadlineMs: call.nowMs + CALL_MS_MAX,
    signal: call.signal,
  });
  const { startWorkflowExecution, signalWithStartWorkflowExecution } = services.workflow ?? {};
  if (startWorkflowExecution === undefined || signalWithStartWorkflowExecution === undefined) {
    throw unimplemented('This process does not start workflows.');
  }
  if (kind === 'start') await startWorkflowExecution(StartWorkflowExecutionRequest.decode(request), context);
  else await signalWithStartWorkflowExecution(SignalWithStartWorkflowExecutionRequest.decode(request), context);
}
