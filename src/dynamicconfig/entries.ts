// The values of one key from one source, checked against its declaration. The same for the file, the admin API and what the store gives back.
import { type ConstrainedValue, type Constraints, isUnconstrained, parseConstraint } from './constraints.ts';
import type { ConstraintName, ValueKind } from './key.ts';
import { type FoundKey, findKey, unknownKey } from './key-catalogue.ts';
import { parseKind, parseValue, ValueError } from './values.ts';

/** More values of one key make lookups slow, and no operator means them. */
export const VALUES_PER_KEY_MAX = 1000;

export interface RawValue {
  readonly value: unknown;
  readonly constraints: Readonly<Record<string, unknown>>;
}

/** @throws ValueError naming the key. */
export function requireKey(name: string): FoundKey {
  const found = findKey(name);
  if (found === undefined) throw new ValueError(unknownKey(name));
  return found;
}

const nameOf = (found: FoundKey): string => (found.isEffective ? found.key.name : found.name);
export const kindOf = (found: FoundKey): ValueKind => (found.isEffective ? found.key.kind : found.kind);

/** Of a key that has no effect only the type is checked. @throws ValueError naming the key. */
export function checkedValue(found: FoundKey, raw: RawValue): ConstrainedValue {
  try {
    const value = found.isEffective ? parseValue(found.key, raw.value) : parseKind(found.kind, raw.value);
    const allowed = found.isEffective ? found.key.constraints : undefined;
    return { value, kind: kindOf(found), constraints: checkedConstraints(raw.constraints, allowed) };
  } catch (error) {
    if (error instanceof ValueError) throw new ValueError(`${nameOf(found)} ${error.message}`, { cause: error });
    throw error;
  }
}

export function checkedConstraints(
  raw: Readonly<Record<string, unknown>>,
  allowed: readonly ConstraintName[] | undefined,
): Constraints {
  return Object.fromEntries(Object.entries(raw).map(([name, value]) => parseConstraint(name, value, allowed)));
}

export function requireFewValues(found: FoundKey, count: number): void {
  if (count <= VALUES_PER_KEY_MAX) return;
  throw new ValueError(`${nameOf(found)} has ${count} values, and may have ${VALUES_PER_KEY_MAX}`);
}

/** Of several values without constraints the last counts, as in Cadence. */
export function withoutOverwritten(values: readonly ConstrainedValue[]): readonly ConstrainedValue[] {
  const last = values.findLastIndex(({ constraints }) => isUnconstrained(constraints));
  return values.filter(({ constraints }, index) => index === last || !isUnconstrained(constraints));
}
