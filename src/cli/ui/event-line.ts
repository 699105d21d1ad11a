// One history event as a line: id, time, type, and what matters of its attributes.
import type { HistoryEvent } from '@antiphon/proto';
import pc from 'picocolors';
import { unixNanos } from '../wire-time.ts';
import { plain } from './plain.ts';

export interface EventLineOptions {
  /** Since the first event; else as a date, or in Unix nanoseconds. */
  readonly time?: 'elapsed' | 'date' | 'nanos';
  readonly hasVersion?: boolean;
  /** Longest details; by default what is left of the terminal's width. 0: all of them. */
  readonly detailLength?: number | undefined;
}

// Attributes that say little in a one-line view.
const HIDDEN = new Set([
  'decisionTaskCompletedEventId',
  'requestId',
  'identity',
  'originalExecutionRunId',
  'firstExecutionRunId',
  'partitionConfig',
  'binaryChecksum',
  'executionContext',
  'searchAttributes',
  'memo',
  'header',
  'domain',
  'retryPolicy',
]);

export const eventType = (event: HistoryEvent): string => {
  const name = event.attributes?.$case ?? 'unknown';
  return name.charAt(0).toUpperCase() + name.slice(1).replace(/EventAttributes$/, '');
};

export const eventTimeMs = (event: HistoryEvent): number =>
  event.eventTime ? Number(event.eventTime.seconds) * 1000 + event.eventTime.nanos / 1e6 : 0;

const tint = (type: string): ((text: string) => string) => {
  if (/(Failed|TimedOut|Terminated)$/.test(type)) return pc.red;
  if (/Cancel/.test(type)) return pc.yellow;
  if (/(Completed|Fired|ChildWorkflowExecutionStarted)$/.test(type) && !/^Decision/.test(type)) return pc.green;
  return /^Decision/.test(type) ? pc.dim : (text) => text;
};

const shorten = (text: string, length: number): string =>
  length > 0 && text.length > length ? `${text.slice(0, length - 1)}…` : text;

function summary(event: HistoryEvent, isFull: boolean): string {
  const attributes = plain(event.attributes?.value, {}, event.attributes?.$case) as Record<string, unknown> | undefined;
  return Object.entries(attributes ?? {})
    .filter(([key]) => isFull || !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}

function timeText(event: HistoryEvent, startMs: number, kind: EventLineOptions['time']): string {
  if (kind === 'date') return new Date(eventTimeMs(event)).toISOString();
  if (kind === 'nanos') return String(unixNanos(event.eventTime));
  return `+${((eventTimeMs(event) - startMs) / 1000).toFixed(3).padStart(9)}s`;
}

export function eventLine(event: HistoryEvent, startMs: number, options: EventLineOptions = {}): string {
  const type = eventType(event);
  const id = String(Number(event.eventId)).padStart(4);
  const version = options.hasVersion ? ` ${pc.dim(`v${event.version}`)}` : '';
  const length = options.detailLength ?? Math.max(30, (process.stdout.columns ?? 160) - 62);
  const time = pc.dim(timeText(event, startMs, options.time));
  return `${pc.dim(id)} ${time}${version} ${tint(type)(type.padEnd(42))} ${shorten(summary(event, length === 0), length)}`;
}

/** The event for scripts. */
export const eventRecord = (event: HistoryEvent): object => ({
  eventId: Number(event.eventId),
  eventTime: new Date(eventTimeMs(event)).toISOString(),
  eventType: eventType(event),
  version: Number(event.version),
  attributes: plain(event.attributes?.value, {}, event.attributes?.$case) ?? {},
});
