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
  const theirs = outcomeOf(reference);
  const own = outcomeOf(ours);
  if (theirs.kind === own.kind) compareFacts(path, theirs.value, own.value, differ);
  else differ(`${path}/outcome`, shown(theirs), shown(own));
}

interface StepOutcome {
  readonly kind: 'error' | 'answer';
  readonly value: Json;
}

const outcomeOf = ({ answer, error, events }: Step): StepOutcome =>
  error === undefined ? { kind: 'answer', value: answer ?? events ?? {} } : { kind: 'error', value: error };

const shown = ({ kind, value }: StepOutcome): string => `${kind} ${JSON.stringify(value)}`;

/** Where a part is on one side only, it is one difference, not one a field. */
function compareFacts(path: string, reference: Json | undefined, ours: Json | undefined, differ: Differ): void {
  if (!isBranch(reference) || !isBranch(ours) || Array.isArray(reference) !== Array.isArray(ours)) {
    differ(path, JSON.stringify(reference), JSON.stringify(ours));
    return;
  }
  const [theirs, own] = [fieldsOf(reference), fieldsOf(ours)];
  for (const key of [...new Set([...theirs.keys(), ...own.keys()])].sort()) {
    compareFacts(`${path}/${key}`, theirs.get(key), own.get(key), differ);
  }
}

const isBranch = (value: Json | undefined): value is Exclude<Json, string | number | boolean | null> =>
  typeof value === 'object' && value !== null;

const fieldsOf = (value: object): ReadonlyMap<string, Json> => new Map(Object.entries(value));
