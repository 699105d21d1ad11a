// Proves that the checkers see: each seeded bug is run on seed after seed until a checker catches it.
import { MUTATIONS, type Mutation, NO_MUTATION } from './mutations.ts';
import { runSeed, type SeedResult } from './run-seed.ts';

export const SEEDS_MAX = 60;

export interface Proof {
  readonly mutation: Mutation;
  readonly seedsNeeded: number | undefined;
  readonly seed: number | undefined;
  readonly checkers: readonly string[];
  readonly story: string;
}

/** `by`: the checker that must catch it; without, whichever does first. */
export async function prove(
  mutation: Mutation,
  from: number,
  {
    seedsMax = SEEDS_MAX,
    by,
    hosts,
  }: { readonly seedsMax?: number; readonly by?: string; readonly hosts?: number | undefined } = {},
): Promise<Proof> {
  for (let seed = from; seed < from + seedsMax; seed++) {
    let result: SeedResult | undefined;
    let broke = '';
    try {
      result = await runSeed(seed, { mutation, isActiveActive: false, hosts });
    } catch (error) {
      broke = error instanceof Error ? error.message : String(error);
    }
    if (result !== undefined && result.violations.length === 0) continue;
    const violations = result?.violations ?? [];
    if (by !== undefined && !violations.some(({ checker }) => checker === by)) continue;
    // What the seed breaks without the bug proves nothing of it.
    if (!(await isClean(seed, mutation, hosts))) continue;
    const checkers = broke === '' ? [...new Set(violations.map(({ checker }) => checker))] : ['never ends'];
    const first = violations[0];
    return {
      mutation,
      seedsNeeded: seed - from + 1,
      seed,
      checkers,
      story: first === undefined ? broke : `${first.workflowId} ${first.story}`,
    };
  }
  return { mutation, seedsNeeded: undefined, seed: undefined, checkers: [], story: '' };
}

async function isClean(seed: number, { regions }: Mutation, hosts: number | undefined): Promise<boolean> {
  const mutation = regions === undefined ? NO_MUTATION : { ...NO_MUTATION, regions };
  try {
    return (await runSeed(seed, { mutation, isActiveActive: false, hosts })).violations.length === 0;
  } catch {
    // It never ends.
    return false;
  }
}

export async function proveMutations(from: number): Promise<boolean> {
  const proofs: Proof[] = [];
  for (const mutation of MUTATIONS) {
    const proof = await prove(mutation, from);
    proofs.push(proof);
    console.log(
      `${mutation.name.padEnd(34)} ${String(proof.seedsNeeded ?? 'NOT CAUGHT').padStart(10)}  seed ${String(proof.seed ?? '-').padEnd(4)} ${proof.checkers.join(', ')}`,
    );
    if (proof.story !== '') console.log(`  ${mutation.says}: ${proof.story.slice(0, 220)}`);
  }
  const caught = proofs.filter(({ seedsNeeded }) => seedsNeeded !== undefined).length;
  console.log(`${caught} of ${proofs.length} seeded bugs caught within ${SEEDS_MAX} seeds`);
  return caught === proofs.length;
}
