// What a client of a given library and version can take (semantics §1.5, §1.6). Unknown libraries count as fully capable: only the
// versions of uber-go, uber-java and cli are known to lack something. Cadence: common/client/versionChecker.go.
import type { SupportedClientVersions } from '@antiphon/proto';
import { ClientVersionNotSupportedError, EntityNotExistsError, ServiceError } from '#base';
import type { ClientFeatureFlags } from './call-context.ts';
import type { CallerInfo } from './clients.ts';

export const SUPPORTED_CLIENT_VERSIONS: SupportedClientVersions = { goSdk: '1.7.0', javaSdk: '1.5.0' };

const GO = 'uber-go';
const JAVA = 'uber-java';
const CLI = 'cli';

const VERSION = /^v?\d+(\.\d+)*([-+].*)?$/;
const HIGHEST_SUPPORTED: Readonly<Record<string, string>> = { [GO]: '1.7.0', [JAVA]: '1.5.0', [CLI]: '1.7.0' };
const ALREADY_COMPLETED_SINCE: Readonly<Record<string, string>> = { [GO]: '1.7.0', [JAVA]: '1.4.0', [CLI]: '1.7.0' };

/** Throws ClientVersionNotSupported for a known library newer than this server's protocol, or whose version is none. Others pass. */
export function checkClientVersion(caller: CallerInfo): void {
  const highest = ownValue(HIGHEST_SUPPORTED, caller.clientImpl);
  if (highest === undefined || caller.featureVersion === '') return;
  const isVersion = VERSION.test(caller.featureVersion);
  if (isVersion && compareVersions(caller.featureVersion, highest) <= 0) return;
  throw new ClientVersionNotSupportedError(caller.featureVersion, caller.clientImpl, `<=${highest}`);
}

/** WorkflowExecutionAlreadyCompletedError becomes EntityNotExists unless the caller opted in and is new enough. */
export function normalizeVersionedError(error: unknown, caller: CallerInfo, flags: ClientFeatureFlags): unknown {
  if (!(error instanceof ServiceError) || error.kind !== 'WorkflowExecutionAlreadyCompleted') return error;
  if (flags.workflowExecutionAlreadyCompletedErrorEnabled && isAtLeast(caller, ALREADY_COMPLETED_SINCE)) return error;
  return new EntityNotExistsError('Workflow execution already completed.');
}

function isAtLeast(caller: CallerInfo, since: Readonly<Record<string, string>>): boolean {
  const required = ownValue(since, caller.clientImpl);
  if (required === undefined || caller.featureVersion === '') return true;
  return compareVersions(caller.featureVersion, required) >= 0;
}

const ownValue = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

// major.minor.patch; what follows (-rc1, +build) does not count. Anything else compares as 0.
function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const parseVersion = (text: string): number[] =>
  text
    .replace(/^v/, '')
    .split('.')
    .slice(0, 3)
    .map((part) => Number.parseInt(part, 10) || 0);
