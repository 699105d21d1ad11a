// Antiphon against the recorded answers of the reference server: no Go needed. Scenarios play side by side; each is a test.
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '#server';
import { startAntiphon } from './antiphon.ts';
import { compare, type Difference } from './compare.ts';
import { playAll, prepare } from './play.ts';
import { differenceText } from './print.ts';
import { differenceLine, readDifferences, readRecordings } from './recordings.ts';
import { loadReview } from './reviewed.ts';
import { allScenarios, type Scenario } from './scenario.ts';
import './scenarios/index.ts';
import type { Transcript } from './transcript.ts';
import { openWire, type WireClient } from './wire.ts';

const CONCURRENCY = 24;
const SECOND_CONCURRENCY = 4;

describe('Antiphon answers as the reference server did', () => {
  const scenarios = allScenarios();
  const recordings = readRecordings(scenarios.map(({ group }) => group));
  const review = loadReview();
  const known = readDifferences();
  let server: RunningServer;
  let client: WireClient;
  const transcripts = new Map<string, Transcript>();

  const differencesOf = (name: string): readonly Difference[] => {
    const reference = recordings.get(name);
    if (reference === undefined) throw new Error(`${name} is not recorded: npm run diff:cadence -- --record`);
    return compare(reference, transcripts.get(name) as Transcript);
  };
  const isAsKnown = (name: string): boolean =>
    recordings.has(name) && isDeepStrictEqual(differencesOf(name).map(differenceLine), known[name] ?? []);
  const play = async (chosen: readonly Scenario[], concurrency: number, domains: ReadonlyMap<string, string>) => {
    for (const [name, transcript] of await playAll(client, chosen, { concurrency, domains })) {
      transcripts.set(name, transcript);
    }
  };

  beforeAll(async () => {
    server = await startAntiphon();
    client = openWire(server.address);
    const domains = await prepare(client.services);
    await play(scenarios, CONCURRENCY, domains);
    // Most scenarios have seconds to keep, which a host under load may miss: those get a second try, with less beside them.
    await play(
      scenarios.filter(({ name }) => !isAsKnown(name)),
      SECOND_CONCURRENCY,
      domains,
    );
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  it.each(scenarios.map(({ name }) => name))('%s', (name) => {
    const differences = differencesOf(name);
    expect(review.unreviewed(differences).map(differenceText)).toEqual([]);
    expect(differences.map(differenceLine)).toEqual(known[name] ?? []);
  });

  it('has every difference of the reviewed list', () => {
    expect(review.unused(scenarios.map(({ name }) => name))).toEqual([]);
  });
});
