// Errors between the hosts of one region. The whole of an error travels, so that the calling host sees the error that a plain call would have
// thrown: each kind of the API's, with its fields, and each kind of the store's, with its word on what was written. What is neither (a defect of
// the other host) arrives as InternalService.
import type { ErrorDetail } from '@antiphon/proto/internal';
import {
  ClientVersionNotSupportedError,
  DomainNotActiveError,
  EntityNotExistsError,
  FeatureNotEnabledError,
  internalService,
  RetryTaskV2Error,
  ServiceBusyError,
  ServiceError,
  type ServiceErrorKind,
  ShardOwnershipLostError,
  StoreError,
  type StoreErrorKind,
  WorkflowExecutionAlreadyStartedError,
} from '#base';
import { statusFromError } from './errors.ts';

const MESSAGE_CHARS_MAX = 4000;

type Fields = Readonly<Record<string, string>>;

/** What a call of another host fails with, as a message. */
export const failureFromError = (error: unknown): ErrorDetail =>
  detailOf(error) ?? { family: undefined, message: statusFromError(error).details };

/** The error that the other host threw. */
export function errorFromFailure({ family, message }: ErrorDetail): Error {
  if (family?.$case === 'store') return new StoreError(family.value.kind as StoreErrorKind, message);
  if (family?.$case === 'service') {
    const error = serviceError(family.value.kind as ServiceErrorKind, message, family.value.fields);
    error.message = message;
    return error;
  }
  return internalService(message);
}

function detailOf(error: unknown): ErrorDetail | undefined {
  if (error instanceof StoreError) {
    return { family: { $case: 'store', value: { kind: error.kind } }, message: bounded(error.message) };
  }
  if (error instanceof ServiceError) {
    const value = { kind: error.kind, fields: fieldsOf(error) };
    return { family: { $case: 'service', value }, message: bounded(error.message) };
  }
  return undefined;
}

const bounded = (message: string): string =>
  message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;

function fieldsOf(error: ServiceError): Record<string, string> {
  if (error instanceof EntityNotExistsError) {
    return { currentCluster: error.currentCluster, activeCluster: error.activeCluster };
  }
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return { startRequestId: error.startRequestId, runId: error.runId };
  }
  if (error instanceof ServiceBusyError) return { reason: error.reason };
  if (error instanceof ClientVersionNotSupportedError) {
    const { featureVersion, clientImpl, supportedVersions } = error;
    return { featureVersion, clientImpl, supportedVersions };
  }
  if (error instanceof FeatureNotEnabledError) return { featureFlag: error.featureFlag };
  if (error instanceof DomainNotActiveError) {
    const { domain, currentCluster, activeCluster, activeClusters } = error;
    return { domain, currentCluster, activeCluster, activeClusters: activeClusters.join(',') };
  }
  if (error instanceof ShardOwnershipLostError) return { shardId: String(error.shardId), owner: error.owner };
  if (error instanceof RetryTaskV2Error) {
    const { domainId, workflowId, runId, start, end } = error;
    return { domainId, workflowId, runId, ...itemFields('start', start), ...itemFields('end', end) };
  }
  return {};
}

type Item = { readonly eventId: number; readonly version: number };

const itemFields = (name: string, item: Item | undefined): Record<string, string> =>
  item === undefined ? {} : { [`${name}EventId`]: String(item.eventId), [`${name}Version`]: String(item.version) };

const itemOf = (name: string, fields: Fields): Item | undefined =>
  fields[`${name}EventId`] === undefined
    ? undefined
    : { eventId: Number(fields[`${name}EventId`]), version: Number(fields[`${name}Version`]) };

function serviceError(kind: ServiceErrorKind, message: string, fields: Fields): ServiceError {
  const text = (name: string): string => fields[name] ?? '';
  switch (kind) {
    case 'EntityNotExists':
      return new EntityNotExistsError(message, {
        currentCluster: text('currentCluster'),
        activeCluster: text('activeCluster'),
      });
    case 'WorkflowExecutionAlreadyStarted':
      return new WorkflowExecutionAlreadyStartedError(message, text('startRequestId'), text('runId'));
    case 'ServiceBusy':
      return new ServiceBusyError(message, text('reason'));
    case 'ClientVersionNotSupported':
      return new ClientVersionNotSupportedError(text('featureVersion'), text('clientImpl'), text('supportedVersions'));
    case 'FeatureNotEnabled':
      return new FeatureNotEnabledError(text('featureFlag'));
    case 'DomainNotActive':
      return new DomainNotActiveError(
        text('domain'),
        text('currentCluster'),
        text('activeCluster'),
        text('activeClusters') === '' ? undefined : text('activeClusters').split(','),
      );
    case 'ShardOwnershipLost':
      if (fields.shardId === undefined) return new ServiceError(kind, message);
      return new ShardOwnershipLostError(Number(text('shardId')), { owner: text('owner') });
    case 'RetryTaskV2': {
      const [start, end] = [itemOf('start', fields), itemOf('end', fields)];
      const run = { domainId: text('domainId'), workflowId: text('workflowId'), runId: text('runId') };
      return new RetryTaskV2Error({
        ...run,
        ...(start === undefined ? {} : { start }),
        ...(end === undefined ? {} : { end }),
      });
    }
    default:
      return new ServiceError(kind, message);
  }
}
