// Invariant checks that stay on in production. A violation is a defect of ours: the shard that meets one closes and reloads from the
// store, the process root exits. Nothing catches it to continue.

export class InvariantViolation extends Error {
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'InvariantViolation';
    this.fields = fields;
  }
}

export function assert(
  condition: unknown,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantViolation(message, fields);
}

/** The end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantViolation('unreachable case', { value });
}

/** The value, or an invariant violation when it is absent. */
export function required<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new InvariantViolation(message);
  return value;
}
