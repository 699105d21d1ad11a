// What a value holds for. A constrained value holds where every one of its constraints is met; of several that hold the first counts, and a
// value without constraints holds where none does. That is Cadence's rule for its files.
import { CONSTRAINT_NAMES, type ConstraintName, type ValueKind } from './key.ts';
import { ValueError } from './values.ts';

export type Constraints = Readonly<Partial<Record<ConstraintName, string | number>>>;

const NUMERIC: ReadonlySet<ConstraintName> = new Set(['taskType', 'shardID']);
const TASK_TYPES: Readonly<Record<string, number>> = { decision: 0, activity: 1 };

const isConstraintName = (name: string): name is ConstraintName =>
  (CONSTRAINT_NAMES as readonly string[]).includes(name);

/** `allowed` undefined: any that exists. @throws ValueError naming the constraint. */
export function parseConstraint(
  name: string,
  raw: unknown,
  allowed: readonly ConstraintName[] | undefined,
): readonly [ConstraintName, string | number] {
  if (!isConstraintName(name)) {
    throw new ValueError(`${name} is not a constraint; there are ${CONSTRAINT_NAMES.join(', ')}`);
  }
  if (allowed !== undefined && name !== 'clusterName' && !allowed.includes(name)) {
    const some = [...allowed, 'clusterName'].join(', ');
    throw new ValueError(`cannot be constrained by ${name}, only by ${some}`);
  }
  if (!NUMERIC.has(name)) {
    if (typeof raw === 'string' && raw !== '') return [name, raw];
    throw new ValueError(`constraint ${name} must be a text, and is ${JSON.stringify(raw)}`);
  }
  const value = name === 'taskType' && typeof raw === 'string' ? TASK_TYPES[raw] : raw;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return [name, value];
  const hint = name === 'taskType' ? '0 (decision) or 1 (activity)' : 'a number';
  throw new ValueError(`constraint ${name} must be ${hint}, and is ${JSON.stringify(raw)}`);
}

/** Whether every constraint is met by what is known of the case at hand. */
export function holds(constraints: Constraints, known: Constraints): boolean {
  for (const name in constraints) {
    if (constraints[name as ConstraintName] !== known[name as ConstraintName]) return false;
  }
  return true;
}

export const isUnconstrained = (constraints: Constraints): boolean => Object.keys(constraints).length === 0;

export const describeConstraints = (constraints: Constraints): string =>
  isUnconstrained(constraints)
    ? 'everywhere'
    : Object.entries(constraints)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ');

/** A value of a file or of the store, checked. */
export interface ConstrainedValue {
  /** Parsed: a duration in milliseconds. */
  readonly value: unknown;
  readonly kind: ValueKind;
  readonly constraints: Constraints;
}
