// One history event as a line: id, time since start, type, and what matters of its attributes.
import type { HistoryEvent } from '@antiphon/proto';
import pc from 'picocolors';
import { plain } from './plain.ts';

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
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

function summary(event: HistoryEvent): string {
  const attributes = plain(event.attributes?.value) as Record<string, unknown> | undefined;
  return Object.entries(attributes ?? {})
    .filter(([key]) => !HIDDEN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}

export function eventLine(event: HistoryEvent, startMs: number, width = process.stdout.columns ?? 160): string {
  const type = eventType(event);
  const id = String(Number(event.eventId)).padStart(4);
  const seconds = ((eventTimeMs(event) - startMs) / 1000).toFixed(3).padStart(9);
  const room = Math.max(30, width - 62);
  return `${pc.dim(id)} ${pc.dim(`+${seconds}s`)} ${tint(type)(type.padEnd(42))} ${shorten(summary(event), room)}`;
}

/** The event for scripts. */
export const eventRecord = (event: HistoryEvent): object => ({
  eventId: Number(event.eventId),
  eventTime: new Date(eventTimeMs(event)).toISOString(),
  eventType: eventType(event),
  version: Number(event.version),
  attributes: plain(event.attributes?.value) ?? {},
});
