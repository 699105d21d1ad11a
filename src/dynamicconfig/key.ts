// What a dynamic config key is: its name (Cadence's, where Cadence has it), type, default, bounds, and the constraints its values may be
// narrowed by. One declaration each, in `keys/`; lookups, admin API, file and docs are all made from it.

/** As written in files and requests. A duration is milliseconds in code and Go's text ("1m30s") outside. */
export type ValueKind = 'int' | 'float' | 'bool' | 'string' | 'duration' | 'map' | 'list';

export const CONSTRAINT_NAMES = [
  'domainName',
  'domainID',
  'taskListName',
  'taskType',
  'shardID',
  'clusterName',
  'workflowID',
  'workflowType',
  'ratelimitKey',
  'namespace',
] as const;

export type ConstraintName = (typeof CONSTRAINT_NAMES)[number];

export interface Key<T> {
  readonly name: string;
  readonly kind: ValueKind;
  readonly default: T;
  /** What a lookup of this key knows of the case at hand. `clusterName` always works: it is the same for a whole cluster. */
  readonly constraints: readonly ConstraintName[];
  /** Bounds of a number, or of a duration in milliseconds; both inclusive. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly choices?: readonly string[] | undefined;
  readonly description: string;
  /** Said in the docs where it is not ours. */
  readonly cadenceDefault?: string | undefined;
  /** The operational RPCs may change it: what someone on call needs, and cannot lose data by. */
  readonly isOperational: boolean;
}

export type AnyKey = Key<unknown>;

interface Options<T> {
  readonly default: T;
  readonly by?: readonly ConstraintName[];
  readonly description: string;
  readonly cadenceDefault?: string;
  readonly operational?: boolean;
}

type Bounded<T> = Options<T> & { readonly min?: number; readonly max?: number };

/** Go's largest int32: how Cadence writes "no limit". */
export const UNLIMITED = 2 ** 31 - 1;

const INT64_SAFE_MAX = Number.MAX_SAFE_INTEGER;
const DURATION_MS_MAX = 10 * 365 * 24 * 3600 * 1000;

function declare<T>(kind: ValueKind, name: string, options: Bounded<T>): Key<T> {
  const { default: value, by, description, cadenceDefault, operational, min, max } = options;
  return {
    name,
    kind,
    default: value,
    constraints: by ?? [],
    description,
    cadenceDefault,
    isOperational: operational ?? false,
    min,
    max,
  };
}

export const intKey = (name: string, options: Bounded<number>): Key<number> =>
  declare('int', name, { min: 0, max: INT64_SAFE_MAX, ...options });

export const floatKey = (name: string, options: Bounded<number>): Key<number> =>
  declare('float', name, { min: 0, ...options });

export const boolKey = (name: string, options: Options<boolean>): Key<boolean> => declare('bool', name, options);

export const stringKey = <C extends string = string>(
  name: string,
  options: Options<C> & { readonly choices?: readonly C[] },
): Key<C> => ({ ...declare('string', name, options), choices: options.choices });

/** Bounds and default in milliseconds. */
export const durationKey = (name: string, options: Bounded<number>): Key<number> =>
  declare('duration', name, { min: 0, max: DURATION_MS_MAX, ...options });

export const mapKey = (
  name: string,
  options: Options<Readonly<Record<string, unknown>>>,
): Key<Readonly<Record<string, unknown>>> => declare('map', name, options);

/** A list of texts. */
export const listKey = (name: string, options: Options<readonly string[]>): Key<readonly string[]> =>
  declare('list', name, options);
