// Two transcripts of one scenario, compared fact by fact. A fact is a path into the transcript and its value; where the events of a history
// differ in kind or order, that is one difference that shows both sequences, and attributes are compared of the events both have.
import type { Json } from './symbols.ts';
import type { Step, Transcript } from './transcript.ts';

export interface Difference {
  readonly scenario: string;
  readonly path: string;
  /** As text; undefined: not there. */
  readonly reference: string | undefined;
  readonly ours: string | undefined;
}

export function compare(reference: Transcript, ours: Transcript): readonly Difference[] {
  const { scenario } = reference;
  const differences: Difference[] = [];
  const differ = (path: string, theirs: string | undefined, own: string | undefined): void => {
    if (theirs !== own) differences.push({ scenario, path, reference: theirs, ours: own });
  };
  differ('stopped', reference.stopped, ours.stopped);
  const stepNames = (steps: readonly Step[]): string => steps.map(({ step }) => step).join(', ');
  differ('steps', stepNames(reference.steps), stepNames(ours.steps));
  reference.steps.forEach((step, index) => {
    const own = ours.steps[index];
    if (own?.step === step.step) compareStep(`${index + 1} ${step.step}`, step, own, differ);
  });
  return differences;
}

type Differ = (path: string, reference: string | undefined, ours: string | undefined) => void;

function compareStep(path: string, reference: Step, ours: Step, differ: Differ): void {
  if (reference.events !== undefined && ours.events !== undefined) {
    differ(`${path}/events`, Object.keys(reference.events).join('\n'), Object.keys(ours.events).join('\n'));
    for (const [event, attributes] of Object.entries(reference.events)) {
      const own = ours.events[event];
      if (own !== undefined) compareFacts(`${path}/${event}`, attributes, own, differ);
    }
    return;
  }
  const outcome = ({ answer, error, events }: Step): Json =>
    error !== undefined ? { error } : answer !== undefined ? { answer } : { events: events ?? {} };
  compareFacts(path, outcome(reference), outcome(ours), differ);
}

function compareFacts(path: string, reference: Json, ours: Json, differ: Differ): void {
  const theirs = factsOf(path, reference);
  const own = factsOf(path, ours);
  for (const key of [...new Set([...theirs.keys(), ...own.keys()])].sort()) differ(key, theirs.get(key), own.get(key));
}

function factsOf(path: string, value: Json): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  const visit = (at: string, part: Json): void => {
    if (typeof part !== 'object' || part === null) {
      facts.set(at, JSON.stringify(part));
      return;
    }
    // An empty message is a fact too: it is there.
    facts.set(at, Array.isArray(part) ? `list of ${part.length}` : '{}');
    for (const [key, child] of Object.entries(part)) visit(`${at}/${key}`, child);
  };
  visit(path, value);
  return facts;
}
