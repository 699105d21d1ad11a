// Every key there is, by name. A name that is none is answered with the nearest one: a typing error in a limit must not pass unseen.
import { INEFFECTIVE_KEYS } from './ineffective-keys.ts';
import type { AnyKey, ValueKind } from './key.ts';
import { ALL_QUOTA_KEYS, LIMIT_KEYS, MATCHING_KEYS, SERVICE_KEYS } from './keys/index.ts';

export const KEYS: readonly AnyKey[] = [...LIMIT_KEYS, ...ALL_QUOTA_KEYS, ...SERVICE_KEYS, ...MATCHING_KEYS].map(
  (key) => key as AnyKey,
);

const BY_NAME: ReadonlyMap<string, AnyKey> = new Map(KEYS.map((key) => [key.name, key]));

export type FoundKey =
  | { readonly isEffective: true; readonly key: AnyKey }
  | { readonly isEffective: false; readonly name: string; readonly kind: ValueKind };

export function findKey(name: string): FoundKey | undefined {
  const key = BY_NAME.get(name);
  if (key !== undefined) return { isEffective: true, key };
  const kind = INEFFECTIVE_KEYS.get(name);
  return kind === undefined ? undefined : { isEffective: false, name, kind };
}

const NAME_CHARS_MAX = 200;
const DISTANCE_SHARE_MAX = 0.3;

/** What a name that is no key was probably meant to be. */
export function nearestKey(name: string): string | undefined {
  if (name.length > NAME_CHARS_MAX) return undefined;
  const asked = name.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const known of [...BY_NAME.keys(), ...INEFFECTIVE_KEYS.keys()]) {
    const distance = editDistance(asked, known.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name: known, distance };
  }
  return best !== undefined && best.distance <= asked.length * DISTANCE_SHARE_MAX ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Text for a name that is no key. */
export function unknownKey(name: string): string {
  const shown = name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX)}…` : name;
  const nearest = nearestKey(name);
  return `invalid dynamic config key name: ${shown}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`;
}
