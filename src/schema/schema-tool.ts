// The schema tool: which versions a store has, what is pending, applying it, in the same way for every store. A server brings an embedded
// SQLite file up to date itself when it opens it; the other stores change only by this tool, and servers refuse to start on another version.
import { StoreError } from '#base';
import type { Env } from '#env';
import {
  type AppliedVersion,
  loadSchemaVersions,
  pendingVersions,
  type SchemaTarget,
  type SchemaVersion,
} from '#persistence';

export interface SchemaVersionStatus {
  readonly version: number;
  readonly description: string;
  /** 'changed': applied from a text that is not this release's. 'unknown': applied by a newer release. */
  readonly state: 'applied' | 'pending' | 'changed' | 'unknown';
  readonly appliedMs?: number;
}

export interface SchemaStatus {
  /** False: there is no table of versions, or no store at all. */
  readonly isSetUp: boolean;
  readonly currentVersion: number;
  readonly latestVersion: number;
  readonly versions: readonly SchemaVersionStatus[];
}

export interface ApplyOptions {
  /** Only says what it would apply. */
  readonly dryRun?: boolean;
  /** The last version to apply; the newest when left out. */
  readonly toVersion?: number | undefined;
}

export interface SchemaTool {
  status(): Promise<SchemaStatus>;
  /** From an empty store to `toVersion`; 0 makes the table of versions only. Refuses a store that has versions. */
  setup(options?: ApplyOptions): Promise<readonly SchemaVersion[]>;
  /** What is pending, in order. Refuses a store that was never set up. */
  update(options?: ApplyOptions): Promise<readonly SchemaVersion[]>;
  /** From whatever there is to the newest. */
  apply(options?: ApplyOptions): Promise<readonly SchemaVersion[]>;
  /** The statements of one version, or of all. */
  print(version?: number): string;
}

const refusal = (message: string): StoreError => new StoreError('ConditionFailed', message);

function statusOf(applied: readonly AppliedVersion[] | undefined, versions: readonly SchemaVersion[]): SchemaStatus {
  const rows = applied ?? [];
  const known = versions.map(({ version, description, sha256 }): SchemaVersionStatus => {
    const row = rows.find((candidate) => candidate.version === version);
    if (row === undefined) return { version, description, state: 'pending' };
    return { version, description, state: row.sha256 === sha256 ? 'applied' : 'changed', appliedMs: row.appliedMs };
  });
  const newer = rows
    .filter((row) => row.version > versions.length)
    .map(
      ({ version, description, appliedMs }): SchemaVersionStatus => ({
        version,
        description,
        state: 'unknown',
        appliedMs,
      }),
    );
  return {
    isSetUp: applied !== undefined,
    currentVersion: rows.at(-1)?.version ?? 0,
    latestVersion: versions.length,
    versions: [...known, ...newer],
  };
}

/** Pending versions up to `toVersion`, which must be one of this release and not lie behind the store. */
function pendingUpTo(
  applied: readonly AppliedVersion[],
  versions: readonly SchemaVersion[],
  toVersion: number | undefined,
): readonly SchemaVersion[] {
  const pending = pendingVersions(applied, versions);
  if (toVersion === undefined) return pending;
  const current = applied.at(-1)?.version ?? 0;
  if (toVersion > versions.length) {
    throw refusal(`there is no schema version ${toVersion}: the newest is ${versions.length}`);
  }
  if (toVersion < current) {
    throw refusal(`the store has schema version ${current}, and none goes back to ${toVersion}: restore a backup`);
  }
  return pending.filter(({ version }) => version <= toVersion);
}

/** @param versions those of this release, unless a folder of others was asked for. */
export function createSchemaTool(
  target: SchemaTarget,
  env: Env,
  versions: readonly SchemaVersion[] = loadSchemaVersions(target.schema),
): SchemaTool {
  const run = async (
    { dryRun = false, toVersion }: ApplyOptions,
    check: (applied: readonly AppliedVersion[] | undefined) => void,
  ): Promise<readonly SchemaVersion[]> => {
    const plan = async (): Promise<readonly SchemaVersion[]> => {
      const applied = await target.appliedVersions();
      check(applied);
      return pendingUpTo(applied ?? [], versions, toVersion);
    };
    if (dryRun) return plan();
    return target.locked(async () => {
      const pending = await plan();
      await target.setup();
      for (const version of pending) {
        await target.apply(version, env.clock.nowMs());
        env.logger.info('schema version applied', { store: target.name, version: version.version });
      }
      return pending;
    });
  };
  return {
    status: async () => statusOf(await target.appliedVersions(), versions),
    setup: (options = {}) =>
      run(options, (applied) => {
        const current = applied?.at(-1)?.version;
        if (current === undefined) return;
        throw refusal(
          `${target.name} has schema version ${current} already: run "antiphon schema update ${target.flags}"`,
        );
      }),
    update: (options = {}) =>
      run(options, (applied) => {
        if (applied !== undefined) return;
        throw refusal(`${target.name} was never set up: run "antiphon schema setup ${target.flags}"`);
      }),
    apply: (options = {}) => run(options, () => {}),
    print: (version) =>
      versions
        .filter((candidate) => version === undefined || candidate.version === version)
        .map(
          (candidate) =>
            `-- ${target.schema} schema version ${candidate.version}: ${candidate.description}\n${candidate.text}`,
        )
        .join('\n'),
  };
}
