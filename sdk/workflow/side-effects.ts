// Values that must be computed once and recorded: ids, readings, anything not deterministic. The function runs only when the
// value is not in history; it must be synchronous and cannot reach outside the sandbox.
import { encodeJsonLine } from '../common/index.ts';
import { currentRun } from './current-run.ts';
import { randomUuid } from './random.ts';
import { readResult, wireResult } from './wire-payload.ts';

export function sideEffect<T>(compute: () => T): T {
  const run = currentRun();
  const id = run.nextId();
  let result = run.sideEffects.get(id);
  if (result === undefined) {
    if (run.replaying)
      throw new Error(`non-determinism: history has no side effect ${id}, but workflow code computes one`);
    result = wireResult(compute());
  }
  run.sideEffects.delete(id);
  run.issue({ kind: 'sideEffect', id, result });
  // What later code sees is what a replay will see: the value after its trip through JSON.
  return readResult(result) as T;
}

const equalJson = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

/** As sideEffect, for a value that is read often and changes seldom: only changes are recorded. */
export function mutableSideEffect<T>(
  id: string,
  compute: () => T,
  equals: (left: T, right: T) => boolean = equalJson,
): T {
  const run = currentRun();
  const state = run.mutableValues.get(id) ?? { access: 0, value: undefined };
  run.mutableValues.set(id, state);
  const access = state.access++;
  const recorded = run.mutableRecorded.get(`${id}#${access}`);
  run.mutableRecorded.delete(`${id}#${access}`);
  const record = (value: string): T => {
    state.value = value;
    run.issue({ kind: 'mutableSideEffect', id, access, value });
    return JSON.parse(value) as T;
  };
  if (typeof recorded === 'string') return record(recorded);
  if (run.replaying) {
    if (state.value !== undefined) return JSON.parse(state.value) as T;
    throw new Error(`non-determinism: history has no value of mutable side effect "${id}"`);
  }
  const fresh = encodeJsonLine(compute());
  if (state.value !== undefined && equals(JSON.parse(state.value) as T, JSON.parse(fresh) as T)) {
    return JSON.parse(state.value) as T;
  }
  return record(fresh);
}

/** A random UUID, the same on every replay. */
export function uuid4(): string {
  return randomUuid(currentRun().random);
}
