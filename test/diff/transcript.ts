// What one scenario saw of one server: steps in order, each a call with its answer, or something that the scenario noted.
import { ContinueAsNewInitiator, type HistoryEvent } from '@antiphon/proto';
import type { Json, Symbols } from './symbols.ts';
import type { Outcome } from './wire.ts';

export interface Step {
  readonly step: string;
  readonly answer?: Json;
  readonly error?: Json;
  /** `id type` → attributes. */
  readonly events?: Readonly<Record<string, Json>>;
}

export interface Transcript {
  readonly scenario: string;
  readonly steps: readonly Step[];
  /** The scenario could not go on. */
  readonly stopped?: string;
}

export interface Recorder {
  readonly steps: readonly Step[];
  outcome(step: string, outcome: Outcome<unknown>): void;
  events(step: string, events: readonly HistoryEvent[]): void;
  note(step: string, value: unknown): void;
}

export const eventType = ({ attributes }: HistoryEvent): string =>
  capitalised(attributes?.$case.replace('EventAttributes', '') ?? 'none');

export const eventName = (event: HistoryEvent): string => `${event.eventId} ${eventType(event)}`;

// Domains of one cluster have this version (EmptyVersion), and nearly all scenarios use them.
const LOCAL_VERSION = -24n;

export function createRecorder(symbols: Symbols): Recorder {
  const steps: Step[] = [];
  const attributesOf = (event: HistoryEvent): Json => {
    const attributes = { ...((symbols.of(event.attributes?.value) ?? {}) as Record<string, Json>) };
    if (isBackedOff(event)) attributes.startToCloseTimeout = '<backoff>';
    for (const wait of CRON_WAITS) if (isByCron(event) && wait in attributes) attributes[wait] = '<interval>';
    const version = event.version === LOCAL_VERSION ? {} : { version: Number(event.version) };
    return { ...attributes, ...version };
  };
  return {
    steps,
    outcome(step, { answer, error }) {
      if (error === undefined) steps.push({ step, answer: symbols.of(answer) ?? {} });
      else steps.push({ step, error: symbols.of(error) ?? {} });
    },
    events(step, events) {
      steps.push({
        step,
        events: Object.fromEntries(events.map((event) => [eventName(event), attributesOf(event)])),
      });
    },
    note(step, value) {
      steps.push({ step, answer: symbols.of(value) ?? null });
    },
  };
}

/** Later attempts of a decision get more time, by a part that is random. */
const isBackedOff = ({ attributes }: HistoryEvent): boolean =>
  attributes?.$case === 'decisionTaskScheduledEventAttributes' && attributes.value.attempt >= 2;

// How long the next fire of a schedule is away depends on when in its second a run ended.
const CRON_WAITS = ['backoffStartInterval', 'firstDecisionTaskBackoff'] as const;
const isByCron = ({ attributes }: HistoryEvent): boolean =>
  attributes !== undefined &&
  'initiator' in attributes.value &&
  attributes.value.initiator === ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE;

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
