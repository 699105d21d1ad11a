// Random lives of runs keep what must always hold: dense ids, versions that never decrease, states that are never changed in place, a
// rebuild and a replica that agree, and a task for everything that is pending.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { RandomRun, type Step } from './random-run.ts';

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.nat({ max: 14 }),
  fc.nat({ max: 1000 }),
  fc.nat({ max: 1000 }),
  fc.nat({ max: 1000 }),
);

describe('random runs', () => {
  it('keep the invariants of the engine', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 120, size: 'max' }), fc.boolean(), (steps, hasRetry) => {
        const run = new RandomRun(hasRetry);
        for (const each of steps) run.step(each);
        run.finish();
      }),
      { numRuns: Number(process.env.RUNS ?? 150) },
    );
  }, 120_000);
});
