// npm run diff:cadence: every scenario against the reference server and against Antiphon, compared. `--record` keeps the reference's answers in
// the repository; `--only PART` plays the scenarios whose name has PART; `--reference HOST:PORT` and `--antiphon HOST:PORT` use running servers;
// `--repeat N` plays the reference N times and shows where it differs from itself (a scenario that is not deterministic).
import { parseArgs } from 'node:util';
import { startReference } from '../../scripts/reference-cadence/launch.mjs';
import { startAntiphon } from './antiphon.ts';
import { compare } from './compare.ts';
import { playAll, prepare } from './play.ts';
import { differenceText } from './print.ts';
import { readRecordings, writeDifferences, writeRecordings } from './recordings.ts';
import { loadReview } from './reviewed.ts';
import { allScenarios, type Scenario } from './scenario.ts';
import './scenarios/index.ts';
import type { Transcript } from './transcript.ts';
import { openWire } from './wire.ts';

const { values: options } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    reference: { type: 'string' },
    antiphon: { type: 'string' },
    concurrency: { type: 'string', default: '12' },
    repeat: { type: 'string', default: '1' },
    show: { type: 'boolean', default: false },
  },
});

type Transcripts = ReadonlyMap<string, Transcript>;

async function play(name: string, address: string, scenarios: readonly Scenario[]): Promise<Transcripts> {
  const client = openWire(address);
  const startedMs = performance.now();
  const domains = await prepare(client.services);
  const transcripts = await playAll(client, scenarios, {
    concurrency: Number(options.concurrency),
    domains,
    onDone: ({ scenario, stopped }) => {
      if (stopped !== undefined) console.log(`${name}: ${scenario} stopped: ${stopped}`);
    },
  });
  client.close();
  console.log(`${name}: ${transcripts.size} scenarios in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  return transcripts;
}

async function withServer<T>(
  given: string | undefined,
  start: () => Promise<{ address: string; stop(): Promise<void> }>,
  use: (address: string) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return use(given);
  const server = await start();
  try {
    return await use(server.address);
  } finally {
    await server.stop();
  }
}

/** The reference's answers, and the scenarios in which it does not agree with itself. */
async function askReference(scenarios: readonly Scenario[]): Promise<{ first: Transcripts; unstable: number }> {
  return withServer(options.reference, startReference, async (address) => {
    const first = new Map(await play('cadence', address, scenarios));
    // The reference loses a task now and then (semantics of a lost race, not of the API): such a scenario is asked again.
    const stopped = scenarios.filter(({ name }) => first.get(name)?.stopped !== undefined);
    if (stopped.length > 0)
      for (const [name, transcript] of await play('cadence', address, stopped)) first.set(name, transcript);
    if (options.record) await confirmChanges(address, scenarios, first);
    let unstable = 0;
    for (let round = 1; round < Number(options.repeat); round++) {
      const again = await play('cadence', address, scenarios);
      for (const { name } of scenarios) {
        const differences = compare(transcriptOf(first, name), transcriptOf(again, name));
        if (differences.length > 0) unstable++;
        for (const difference of differences) console.log(`not deterministic: ${differenceText(difference)}`);
      }
    }
    return { first, unstable };
  });
}

/** What differs from the recording is asked once more: a host under load answers late, and that is no fact about Cadence. */
async function confirmChanges(
  address: string,
  played: readonly Scenario[],
  transcripts: Map<string, Transcript>,
): Promise<void> {
  const recorded = readRecordings(played.map(({ group }) => group));
  const isChanged = (name: string, transcript: Transcript | undefined): boolean => {
    const before = recorded.get(name);
    return before !== undefined && transcript !== undefined && compare(before, transcript).length > 0;
  };
  const changed = played.filter(({ name }) => isChanged(name, transcripts.get(name)));
  if (changed.length === 0) return;
  for (const [name, transcript] of await play('cadence, once more', address, changed)) {
    console.log(`${isChanged(name, transcript) ? 'changed' : 'as recorded after all'}: ${name}`);
    transcripts.set(name, transcript);
  }
}

function transcriptOf(transcripts: Transcripts, name: string): Transcript {
  const transcript = transcripts.get(name);
  if (transcript === undefined) throw new Error(`${name} was not played`);
  return transcript;
}

const scenarios = allScenarios().filter(
  ({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)),
);
const reference = await askReference(scenarios);
const stopped = [...reference.first.values()].filter((transcript) => transcript.stopped !== undefined);
if (options.show) console.log(JSON.stringify([...reference.first.values()], undefined, 1));
if (options.record && stopped.length === 0) {
  writeRecordings([...reference.first.values()], new Set(allScenarios().map(({ name }) => name)));
}
const ours = await withServer(options.antiphon, startAntiphon, (address) => play('antiphon', address, scenarios));
const review = loadReview();
const differences = scenarios.flatMap(({ name }) =>
  compare(transcriptOf(reference.first, name), transcriptOf(ours, name)),
);
const unreviewed = review.unreviewed(differences);
if (options.record && stopped.length === 0) {
  const names = scenarios.map(({ name }) => name);
  writeDifferences(names, differences, new Set(allScenarios().map(({ name }) => name)));
}
for (const difference of unreviewed) console.log(`\n${differenceText(difference)}`);
const unused = options.only.length > 0 ? [] : review.unused(scenarios.map(({ name }) => name));
for (const entry of unused) console.log(`reviewed, but there is no such difference: ${entry}`);
const faults = unreviewed.length + unused.length + stopped.length + reference.unstable;
console.log(
  `\n${scenarios.length} scenarios, ${differences.length} differences: ${review.matchCount} reviewed, ${unreviewed.length} not`,
);
process.exit(faults === 0 ? 0 : 1);
