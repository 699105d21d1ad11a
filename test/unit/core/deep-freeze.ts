// Freezes a value and all it holds, so that a test fails where something is changed in place. Bytes cannot be frozen; maps and sets are
// guarded by their methods.
const refuse = (): never => {
  throw new TypeError('a frozen collection was changed');
};

export function deepFreeze<T>(value: T, seen = new Set<unknown>()): T {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return value;
  seen.add(value);
  if (value instanceof Map) {
    for (const entry of value.values()) deepFreeze(entry, seen);
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse });
    return value;
  }
  if (value instanceof Set) return value;
  for (const part of Object.values(value)) deepFreeze(part, seen);
  return Object.freeze(value);
}
