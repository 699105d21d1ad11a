// Errors that are part of the API: one class per Cadence wire error (semantics §1.4). Only src/rpc translates them to gRPC status codes
// and details. Clients decide by (code, detail type), so the class is the contract and the message is for people.

export type ServiceErrorKind =
  | 'BadRequest'
  | 'QueryFailed'
  | 'EntityNotExists'
  | 'WorkflowExecutionAlreadyCompleted'
  | 'WorkflowExecutionAlreadyStarted'
  | 'DomainAlreadyExists'
  | 'CancellationAlreadyRequested'
  | 'EventAlreadyStarted'
  | 'AccessDenied'
  | 'LimitExceeded'
  | 'ServiceBusy'
  | 'ClientVersionNotSupported'
  | 'FeatureNotEnabled'
  | 'DomainNotActive'
  | 'InternalService'
  | 'InternalDataInconsistency'
  | 'StickyWorkerUnavailable'
  | 'ShardOwnershipLost'
  | 'CurrentBranchChanged'
  | 'RetryTaskV2'
  | 'Unimplemented'
  | 'Unavailable'
  | 'DeadlineExceeded'
  | 'Cancelled';

export class ServiceError extends Error {
  readonly kind: ServiceErrorKind;

  constructor(kind: ServiceErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = kind;
    this.kind = kind;
  }
}

export const badRequest = (message: string, options?: ErrorOptions): ServiceError =>
  new ServiceError('BadRequest', message, options);
export const queryFailed = (message: string): ServiceError => new ServiceError('QueryFailed', message);
export const alreadyCompleted = (message = 'workflow execution already completed'): ServiceError =>
  new ServiceError('WorkflowExecutionAlreadyCompleted', message);
export const limitExceeded = (message: string): ServiceError => new ServiceError('LimitExceeded', message);
export const cancellationAlreadyRequested = (
  message = 'cancellation already requested for this workflow execution',
): ServiceError => new ServiceError('CancellationAlreadyRequested', message);
export const domainAlreadyExists = (message: string): ServiceError => new ServiceError('DomainAlreadyExists', message);
export const accessDenied = (message = 'Request unauthorized.'): ServiceError =>
  new ServiceError('AccessDenied', message);
export const internalService = (message: string, options?: ErrorOptions): ServiceError =>
  new ServiceError('InternalService', message, options);
export const dataInconsistency = (message: string, options?: ErrorOptions): ServiceError =>
  new ServiceError('InternalDataInconsistency', message, options);
export const stickyWorkerUnavailable = (): ServiceError =>
  new ServiceError('StickyWorkerUnavailable', 'sticky worker unavailable, please use non-sticky task list.');
export const eventAlreadyStarted = (message: string): ServiceError => new ServiceError('EventAlreadyStarted', message);
export const unimplemented = (message: string): ServiceError => new ServiceError('Unimplemented', message);
export const unavailable = (message: string, options?: ErrorOptions): ServiceError =>
  new ServiceError('Unavailable', message, options);
export const deadlineExceeded = (message: string): ServiceError => new ServiceError('DeadlineExceeded', message);
export const cancelled = (message: string): ServiceError => new ServiceError('Cancelled', message);
export const featureNotEnabled = (featureFlag: string): FeatureNotEnabledError =>
  new FeatureNotEnabledError(featureFlag);

export class EntityNotExistsError extends ServiceError {
  readonly currentCluster: string;
  readonly activeCluster: string;

  constructor(message: string, clusters: { currentCluster?: string; activeCluster?: string } = {}) {
    super('EntityNotExists', message);
    this.currentCluster = clusters.currentCluster ?? '';
    this.activeCluster = clusters.activeCluster ?? '';
  }
}

export class WorkflowExecutionAlreadyStartedError extends ServiceError {
  readonly startRequestId: string;
  readonly runId: string;

  constructor(message: string, startRequestId: string, runId: string) {
    super('WorkflowExecutionAlreadyStarted', message);
    this.startRequestId = startRequestId;
    this.runId = runId;
  }
}

export class ServiceBusyError extends ServiceError {
  readonly reason: string;

  constructor(message: string, reason = '') {
    super('ServiceBusy', message);
    this.reason = reason;
  }
}

export class ClientVersionNotSupportedError extends ServiceError {
  readonly featureVersion: string;
  readonly clientImpl: string;
  readonly supportedVersions: string;

  constructor(featureVersion: string, clientImpl: string, supportedVersions: string) {
    super(
      'ClientVersionNotSupported',
      `Client version ${featureVersion} of ${clientImpl} is not supported; supported versions: ${supportedVersions}.`,
    );
    this.featureVersion = featureVersion;
    this.clientImpl = clientImpl;
    this.supportedVersions = supportedVersions;
  }
}

export class FeatureNotEnabledError extends ServiceError {
  readonly featureFlag: string;

  constructor(featureFlag: string) {
    super('FeatureNotEnabled', `Feature ${featureFlag} is not enabled.`);
    this.featureFlag = featureFlag;
  }
}

export class DomainNotActiveError extends ServiceError {
  readonly domain: string;
  readonly currentCluster: string;
  readonly activeCluster: string;
  /** More than the one only in active-active domains. */
  readonly activeClusters: readonly string[];

  constructor(domain: string, currentCluster: string, activeCluster: string, activeClusters?: readonly string[]) {
    const all = activeClusters ?? (activeCluster === '' ? [] : [activeCluster]);
    super(
      'DomainNotActive',
      `Domain: ${domain} is active in cluster(s): [${all.join(' ')}], while current cluster ${currentCluster} ` +
        `is a standby cluster. Operation active cluster: ${activeCluster}`,
    );
    this.domain = domain;
    this.currentCluster = currentCluster;
    this.activeCluster = activeCluster;
    this.activeClusters = all;
  }
}

/** Nothing was done: whoever asked may ask the owner. */
export class ShardOwnershipLostError extends ServiceError {
  readonly shardId: number;
  /** Id of the host that owns it, as far as the answering one knows; empty: it does not. */
  readonly owner: string;

  constructor(shardId: number, options: ErrorOptions & { owner?: string | undefined } = {}) {
    const { owner = '' } = options;
    const where = owner === '' ? '' : `, its owner is ${owner}`;
    super('ShardOwnershipLost', `shard ${shardId} is not owned by this host${where}`, options);
    this.shardId = shardId;
    this.owner = owner;
  }
}

/** Events are missing before a replicated batch: fetch (start, end) from the source, both ends exclusive, then apply again. */
export class RetryTaskV2Error extends ServiceError {
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly start: { readonly eventId: number; readonly version: number } | undefined;
  readonly end: { readonly eventId: number; readonly version: number } | undefined;

  constructor(fields: {
    domainId: string;
    workflowId: string;
    runId: string;
    start?: { eventId: number; version: number };
    end?: { eventId: number; version: number };
  }) {
    super('RetryTaskV2', 'events are missing before the replicated batch');
    this.domainId = fields.domainId;
    this.workflowId = fields.workflowId;
    this.runId = fields.runId;
    this.start = fields.start;
    this.end = fields.end;
  }
}
