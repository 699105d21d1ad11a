// Changing workflow code while runs are open. The first call of getVersion in a run records which version it takes; replay
// takes the recorded one. A run that passed the place before the call existed has the default version.
import { currentRun } from './current-run.ts';

export const DEFAULT_VERSION = -1;
const CHANGE_VERSION_ATTRIBUTE = 'CadenceChangeVersion';

function checkRange(changeId: string, version: number, minimum: number, maximum: number): number {
  if (version >= minimum && version <= maximum) return version;
  throw new Error(
    `this run has version ${version} of change "${changeId}", but the code supports ${minimum} to ${maximum}: ` +
      'keep the old branch until no open run needs it',
  );
}

/** The version of the change that this run follows, between minimum and maximum. */
export function getVersion(changeId: string, minimum: number, maximum: number): number {
  const run = currentRun();
  const known = run.versions.get(changeId);
  if (known !== undefined) return checkRange(changeId, known, minimum, maximum);
  const version = run.replaying ? DEFAULT_VERSION : maximum;
  if (version !== DEFAULT_VERSION) {
    const entries = [...run.versions].reverse().filter(([, value]) => value !== DEFAULT_VERSION);
    const searchAttribute = [[changeId, version] as const, ...entries].map(([id, value]) => `${id}-${value}`);
    run.searchAttributes.set(CHANGE_VERSION_ATTRIBUTE, JSON.stringify(searchAttribute));
    run.issue({ kind: 'version', changeId, version, searchAttribute });
  }
  run.versions.set(changeId, version);
  return checkRange(changeId, version, minimum, maximum);
}

/** True in runs that take the new code: `if (patched('ship-first')) … else …` */
export function patched(changeId: string): boolean {
  return getVersion(changeId, DEFAULT_VERSION, 1) === 1;
}

/** Leaves the marker when the old branch is gone, so that runs which have it replay. */
export function deprecatePatch(changeId: string): void {
  getVersion(changeId, 1, 1);
}
