// The reference's answers, kept in the repository: test/diff/recorded/<group>.json, and test/diff/differences.json, the reviewed differences with
// their values, so that what differs on purpose does not change unnoticed. Both are written by `npm run diff:cadence -- --record` only.
import fs from 'node:fs';
import path from 'node:path';
import type { Difference } from './compare.ts';
import type { Transcript } from './transcript.ts';

const FOLDER = path.join(import.meta.dirname, 'recorded');
const fileOf = (group: string): string => path.join(FOLDER, `${group}.json`);
const groupOf = (scenario: string): string => scenario.slice(0, scenario.indexOf('/'));

const DIFFERENCES = path.join(import.meta.dirname, 'differences.json');

/** Scenario → one line a difference. */
type Differences = Record<string, readonly string[]>;

export const differenceLine = ({ path: at, reference, ours }: Difference): string =>
  `${at}: ${reference ?? '(not there)'} → ${ours ?? '(not there)'}`;

export const readDifferences = (): Differences => JSON.parse(fs.readFileSync(DIFFERENCES, 'utf8')) as Differences;

/** Replaces those of the scenarios played. */
export function writeDifferences(
  played: readonly string[],
  differences: readonly Difference[],
  known: ReadonlySet<string>,
): void {
  const all: Differences = fs.existsSync(DIFFERENCES) ? readDifferences() : {};
  for (const scenario of played) {
    all[scenario] = differences.filter((difference) => difference.scenario === scenario).map(differenceLine);
  }
  const kept = Object.entries(all).filter(([scenario, lines]) => lines.length > 0 && known.has(scenario));
  kept.sort(([a], [b]) => (a < b ? -1 : 1));
  fs.writeFileSync(DIFFERENCES, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
}

type Group = Record<string, Omit<Transcript, 'scenario'>>;

const readGroup = (group: string): Group =>
  fs.existsSync(fileOf(group)) ? (JSON.parse(fs.readFileSync(fileOf(group), 'utf8')) as Group) : {};

export function readRecordings(groups: readonly string[]): ReadonlyMap<string, Transcript> {
  const transcripts = new Map<string, Transcript>();
  for (const group of new Set(groups)) {
    for (const [scenario, transcript] of Object.entries(readGroup(group))) {
      transcripts.set(scenario, { scenario, ...transcript });
    }
  }
  return transcripts;
}

/** Replaces those of these scenarios; recordings of scenarios that are gone (`known` has all names) are dropped. */
export function writeRecordings(transcripts: readonly Transcript[], known: ReadonlySet<string>): void {
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const group of new Set(transcripts.map(({ scenario }) => groupOf(scenario)))) {
    const recorded = readGroup(group);
    for (const { scenario, ...transcript } of transcripts) {
      if (groupOf(scenario) === group) recorded[scenario] = transcript;
    }
    const names = Object.keys(recorded)
      .filter((name) => known.has(name))
      .sort();
    // One line a step and one an event: a diff of the file reads like a diff of histories.
    const body = names.map((name) => `${JSON.stringify(name)}: ${transcriptText(recorded[name] as Group[string])}`);
    fs.writeFileSync(fileOf(group), `{\n${body.join(',\n')}\n}\n`);
  }
}

function transcriptText({ steps, stopped }: Group[string]): string {
  const lines = steps.map((step) => {
    if (step.events === undefined) return JSON.stringify(step);
    const events = Object.entries(step.events).map(
      ([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
    );
    return `{"step":${JSON.stringify(step.step)},"events":{\n${events.join(',\n')}}}`;
  });
  const end = stopped === undefined ? '' : `, "stopped": ${JSON.stringify(stopped)}`;
  return `{"steps": [\n  ${lines.join(',\n  ')}]${end}}`;
}
