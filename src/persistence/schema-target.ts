// A place whose tables have versions: a SQLite file, a PostgreSQL or MySQL database, a keyspace of Cassandra. Each driver has one; the schema
// tool drives all of them, and a server asks whether its store is at this release's version before it touches it. Invariants: versions are
// applied in order, each with the fingerprint of its statements; nothing goes back, and nothing is applied over a text that has changed.
import { StoreError } from '#base';
import { loadSchemaVersions, type SchemaVersion } from './schema-files.ts';

export interface AppliedVersion {
  readonly version: number;
  readonly description: string;
  readonly sha256: string;
  readonly appliedMs: number;
}

export interface SchemaTarget {
  /** Folder of its versions under schema/: `sqlite`, `postgres`, `cassandra/history`. */
  readonly schema: string;
  /** What and where it is, for messages: `the SQLite file data/antiphon.db`. */
  readonly name: string;
  /** Flags of `antiphon schema` that lead here, without secrets: `--store sqlite --path data/antiphon.db`. */
  readonly flags: string;
  /** In order; undefined while it has no table of versions, and also when the store is not there at all. */
  appliedVersions(): Promise<readonly AppliedVersion[] | undefined>;
  /** Makes the database or keyspace itself. False: it was there. Undefined for stores that need no making. */
  readonly create?: (() => Promise<boolean>) | undefined;
  /** Makes the table of versions; harmless when it is there. */
  setup(): Promise<void>;
  /** While `use` runs no other tool changes this store. Unavailable, naming who can, when another has the lock. */
  locked<T>(use: () => Promise<T>): Promise<T>;
  /** Inside `locked`: all statements of the version and its record; atomic, or going on where an earlier try ended. */
  apply(version: SchemaVersion, nowMs: number): Promise<void>;
  close(): Promise<void>;
}

/** What is missing. Throws when the store is newer than `versions`, or has one of another text. */
export function pendingVersions(
  applied: readonly Pick<AppliedVersion, 'version' | 'sha256'>[],
  versions: readonly SchemaVersion[],
): readonly SchemaVersion[] {
  const current = applied.at(-1)?.version ?? 0;
  const newest = versions.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new StoreError(
      'Unavailable',
      `the store has schema version ${current}, this release knows ${newest} at most`,
    );
  }
  const changed = applied.find((row) => versions[row.version - 1]?.sha256 !== row.sha256);
  if (changed !== undefined) {
    const message = `the store's schema version ${changed.version} is not this release's: another build made it`;
    throw new StoreError('Unavailable', message);
  }
  return versions.filter(({ version }) => version > current);
}

/** The error of a server whose store lacks versions, with the command that helps. */
export function lacksVersions(
  target: Pick<SchemaTarget, 'name' | 'flags'>,
  pending: readonly SchemaVersion[],
  isSetUp: boolean,
): StoreError {
  const missing = pending.map(({ version }) => version).join(', ');
  const command = `antiphon schema ${isSetUp ? 'update' : 'setup'} ${target.flags}`;
  return new StoreError('Unavailable', `${target.name} lacks schema version ${missing}: run "${command}"`);
}

/** For servers at start: throws, naming the exact command, unless the store is at this release's version. */
export async function requireSchema(target: SchemaTarget): Promise<void> {
  const applied = await target.appliedVersions();
  const pending = pendingVersions(applied ?? [], loadSchemaVersions(target.schema));
  if (pending.length > 0) throw lacksVersions(target, pending, applied !== undefined);
}
