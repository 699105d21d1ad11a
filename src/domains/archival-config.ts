// A domain's archival setting: never enabled, enabled with a URI, or disabled with the URI kept. The URI never changes once set, so that what
// was archived stays where the domain says it is (semantics §6.1).
import { ArchivalStatus } from '@antiphon/proto';
import { badRequest } from '#base';
import type { ArchivalDefaults } from './options.ts';

const { ARCHIVAL_STATUS_ENABLED, ARCHIVAL_STATUS_DISABLED, ARCHIVAL_STATUS_INVALID } = ArchivalStatus;

export interface ArchivalSetting {
  readonly status: ArchivalStatus;
  readonly uri: string;
}

export interface ArchivalWish {
  /** Undefined: not asked for. */
  readonly status: ArchivalStatus | undefined;
  readonly uri: string | undefined;
}

export const NEVER_ENABLED: ArchivalSetting = { status: ARCHIVAL_STATUS_DISABLED, uri: '' };

/** The setting of a new domain: the request's, else the cluster's default. */
export function registeredArchival(wish: ArchivalWish, defaults: ArchivalDefaults): ArchivalSetting {
  if (!defaults.isConfigured) return NEVER_ENABLED;
  const isUnset = wish.status === undefined || wish.status === ARCHIVAL_STATUS_INVALID;
  const defaultStatus = defaults.defaultEnabled ? ARCHIVAL_STATUS_ENABLED : ARCHIVAL_STATUS_DISABLED;
  return nextArchival(NEVER_ENABLED, { ...wish, status: isUnset ? defaultStatus : wish.status }, defaults);
}

/** The setting after an update; the same object when nothing changes. */
export function nextArchival(
  current: ArchivalSetting,
  wish: ArchivalWish,
  defaults: ArchivalDefaults,
): ArchivalSetting {
  if (!defaults.isConfigured) return current;
  const { status, uri: wishedUri = '' } = wish;
  if (status !== undefined && status !== ARCHIVAL_STATUS_ENABLED && status !== ARCHIVAL_STATUS_DISABLED) {
    if (status === ARCHIVAL_STATUS_INVALID) return nextArchival(current, { ...wish, status: undefined }, defaults);
    throw badRequest('Invalid archival status.');
  }
  if (current.uri !== '' && wishedUri !== '' && wishedUri !== current.uri) {
    throw badRequest('Cannot update existing archival URI');
  }
  const nextStatus = status ?? current.status;
  let uri = current.uri === '' ? wishedUri : current.uri;
  if (nextStatus === ARCHIVAL_STATUS_ENABLED && uri === '') uri = defaults.defaultUri;
  if (nextStatus === ARCHIVAL_STATUS_ENABLED && uri === '') {
    throw badRequest('Invalid to enable archival without specifying a uri.');
  }
  // A URI alone does not enable anything, and a domain that was never enabled keeps none.
  if (nextStatus === ARCHIVAL_STATUS_DISABLED && current.uri === '') uri = '';
  if (nextStatus === current.status && uri === current.uri) return current;
  return { status: nextStatus, uri };
}
