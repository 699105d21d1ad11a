// Antiphon against the recorded answers of the reference server: no Go needed. Scenarios play side by side; each is a test.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '#server';
import { startAntiphon } from './antiphon.ts';
import { compare } from './compare.ts';
import { playAll, prepare } from './play.ts';
import { differenceText } from './print.ts';
import { readRecordings } from './recordings.ts';
import { loadReview } from './reviewed.ts';
import { allScenarios } from './scenario.ts';
import './scenarios/index.ts';
import type { Transcript } from './transcript.ts';
import { openWire, type WireClient } from './wire.ts';

const CONCURRENCY = 24;

describe('Antiphon answers as the reference server did', () => {
  const scenarios = allScenarios();
  const recordings = readRecordings(scenarios.map(({ group }) => group));
  const review = loadReview();
  let server: RunningServer;
  let client: WireClient;
  let transcripts: ReadonlyMap<string, Transcript>;

  beforeAll(async () => {
    server = await startAntiphon();
    client = openWire(server.address);
    const domains = await prepare(client.services);
    transcripts = await playAll(client, scenarios, { concurrency: CONCURRENCY, domains });
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  it.each(scenarios.map(({ name }) => name))('%s', (name) => {
    const reference = recordings.get(name);
    if (reference === undefined) throw new Error('not recorded: npm run diff:cadence -- --record');
    const differences = review.unreviewed(compare(reference, transcripts.get(name) as Transcript));
    expect(differences.map(differenceText)).toEqual([]);
  });

  it('has every difference of the reviewed list', () => {
    expect(review.unused(scenarios.map(({ name }) => name))).toEqual([]);
  });
});
