// The error of a workflow whose code no longer does what its history says it did.

export class NonDeterminismError extends Error {
  override readonly name = 'NonDeterminismError';
  constructor(what: string) {
    super(`non-deterministic workflow: ${what}`);
  }
}
