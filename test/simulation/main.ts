// npm run sim: runs seeds and prints what each broke.
//   --seeds N     how many (30)        --from N        the first one (1)
//   --seed S      one, with its story  --regions 1|2   fixed, not drawn
//   --active-active   with domains that are active in both regions
//   --hosts N     of each region, fixed, not drawn from 1 to 4
//   --mutation M  with a seeded bug    --mutations     prove that each seeded bug is caught
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.ts';
import { MUTATIONS, NO_MUTATION } from './mutations.ts';
import { proveMutations } from './prove-mutations.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';

const STORY_MAX = 12;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '30' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    regions: { type: 'string' },
    'active-active': { type: 'boolean' },
    mutation: { type: 'string' },
    hosts: { type: 'string' },
    mutations: { type: 'boolean', default: false },
  },
});

function options(): SeedOptions {
  const mutation = values.mutation === undefined ? NO_MUTATION : MUTATIONS.find(({ name }) => name === values.mutation);
  if (mutation === undefined) {
    throw new Error(`no mutation ${values.mutation}; there are: ${MUTATIONS.map(({ name }) => name).join(', ')}`);
  }
  return {
    mutation,
    isActiveActive: values['active-active'],
    hosts: values.hosts === undefined ? 'drawn' : Number(values.hosts),
    ...(values.regions === undefined ? {} : { regions: Number(values.regions) }),
  };
}

const replay = (seed: number): string =>
  [
    `npm run sim -- --seed ${seed}`,
    values.regions === undefined ? '' : ` --regions ${values.regions}`,
    values['active-active'] ? ' --active-active' : '',
    values.hosts === undefined ? '' : ` --hosts ${values.hosts}`,
    values.mutation === undefined ? '' : ` --mutation ${values.mutation}`,
  ].join('');

function printViolations({ seed, violations }: SeedResult): void {
  console.log(`seed ${seed}: ${violations.length} violations`);
  for (const { checker, workflowId, story } of violations.slice(0, STORY_MAX)) {
    console.log(`  ${checker}${workflowId === '' ? '' : ` (${workflowId})`}: ${story}`);
  }
  if (violations.length > STORY_MAX) console.log(`  and ${violations.length - STORY_MAX} more`);
  console.log(`  replay: ${replay(seed)}`);
}

async function attempt(seed: number): Promise<SeedResult | undefined> {
  try {
    return await runSeed(seed, options());
  } catch (error) {
    console.log(`seed ${seed}: broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    console.log(`  replay: ${replay(seed)}`);
    return undefined;
  }
}

async function runOne(seed: number): Promise<boolean> {
  const result = await attempt(seed);
  if (result === undefined) return false;
  console.log(JSON.stringify(result.profile, undefined, 2));
  for (const line of result.story) console.log(line);
  for (const line of result.coverage.lines()) console.log(line);
  const took = `${result.runCount} runs in ${(result.virtualMs / 1000).toFixed(0)} virtual seconds, trace ${result.trace}`;
  if (result.violations.length > 0) printViolations(result);
  console.log(took);
  return result.violations.length === 0;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const coverage = new Coverage();
  const startMs = performance.now();
  let clean = 0;
  let failed = 0;
  let runs = 0;
  for (let seed = from; seed < from + count; seed++) {
    const result = await attempt(seed);
    if (result !== undefined) {
      coverage.addAll(result.coverage);
      runs += result.runCount;
    }
    if (result === undefined || result.violations.length > 0) {
      failed++;
      if (result !== undefined) printViolations(result);
    } else clean++;
    const done = clean + failed;
    if (done % 50 === 0) {
      const perSeed = ((performance.now() - startMs) / done).toFixed(0);
      console.log(`… ${done} seeds, ${failed} failed, ${perSeed} ms each`);
    }
  }
  for (const line of coverage.lines()) console.log(line);
  const regions = values.regions === undefined ? [1, 2] : [Number(values.regions)];
  const missing = coverage.missing(regions, values.hosts === undefined ? undefined : Number(values.hosts));
  // A small run need not meet everything.
  const isBig = count >= 200;
  if (missing.length > 0) console.log(`never met: ${missing.join(', ')}${isBig ? '' : ' (in so few seeds)'}`);
  const secondsTaken = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`${runs} workflow runs, ${secondsTaken} s`);
  console.log(`${clean} seeds clean, ${failed} failed`);
  return failed === 0 && !(isBig && missing.length > 0);
}

async function main(): Promise<boolean> {
  if (values.mutations) return proveMutations(Number(values.from));
  if (values.seed !== undefined) return runOne(Number(values.seed));
  return runMany(Number(values.from), Number(values.seeds));
}

process.exitCode = (await main()) ? 0 : 1;
