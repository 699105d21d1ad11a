// Writes transitions for people: one line for each event and task, fields at their defaults left out.

import type { HistoryEvent } from '@antiphon/proto';
import { msOf, type RunTransition } from '#core';
import { eventName, START_MS } from '../unit/core/engine-fixture.ts';

const isDefault = (value: unknown): boolean =>
  value === undefined ||
  value === '' ||
  value === 0 ||
  value === 0n ||
  value === false ||
  (value instanceof Uint8Array && value.length === 0) ||
  (Array.isArray(value) && value.length === 0);

const seconds = (ms: number): string => `${(ms - START_MS) / 1000}s`;

function renderValue(value: unknown): string {
  if (value instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(value));
  if (Array.isArray(value)) return `[${value.map(renderValue).join(' ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value);
  const record = value as Record<string, unknown>;
  if (fields.length === 2 && typeof record.seconds === 'bigint' && typeof record.nanos === 'number') {
    const wire = record as { seconds: bigint; nanos: number };
    return wire.seconds > 1_000_000_000n ? `@${seconds(msOf(wire))}` : `${wire.seconds}s`;
  }
  if (fields.length === 1 && record.data instanceof Uint8Array) return renderValue(record.data);
  if (fields.length === 1 && typeof record.name === 'string') return record.name;
  if (typeof record.name === 'string' && 'baseName' in record) return `${record.name}/${record.kind}`;
  return `{${renderFields(record)}}`;
}

/** `key=value …` of what is not at its default. */
export function renderFields(record: object, leftOut: readonly string[] = []): string {
  return Object.entries(record)
    .filter(([key, value]) => !isDefault(value) && !leftOut.includes(key))
    .map(([key, value]) => `${key}=${renderValue(value)}`)
    .join(' ');
}

/** Fields that say the same in every event and would drown the rest. */
const QUIET_FIELDS = ['decisionTaskCompletedEventId', 'originalExecutionRunId', 'identity', 'partitionConfig'];

export function renderEvent(event: HistoryEvent): string {
  const { attributes } = event;
  const fields = attributes === undefined ? '' : renderFields(attributes.value, QUIET_FIELDS);
  const time = msOf(event.eventTime) === START_MS ? '' : ` @${seconds(msOf(event.eventTime))}`;
  return `${event.eventId} ${eventName(event)}${time} ${fields}`.trimEnd();
}

export function renderRun(run: RunTransition): string[] {
  const lines: string[] = [];
  for (const { events } of run.batches) {
    lines.push(`batch v${events[0]?.version}`, ...events.map((event) => `  ${renderEvent(event)}`));
  }
  for (const { work, version } of run.tasks.transfer) {
    lines.push(`transfer ${work?.$case} v${version} ${renderFields(work?.value ?? {})}`.trimEnd());
  }
  for (const { work, version, fireTimeMs } of run.tasks.timer) {
    lines.push(
      `timer ${work?.$case} v${version} at=${seconds(fireTimeMs)} ${renderFields(work?.value ?? {})}`.trimEnd(),
    );
  }
  for (const { work, version } of run.tasks.replication) {
    const value = work?.value ?? {};
    lines.push(`replication ${work?.$case} v${version} ${renderFields(value, ['branch', 'newRunBranch'])}`.trimEnd());
  }
  const { bufferedEvents, info } = run.state;
  for (const event of bufferedEvents) lines.push(`waiting ${renderEvent(event)}`);
  const { decision } = info;
  if (decision !== undefined) {
    const { scheduleId, startedId, attempt, timeoutSeconds, sticky, taskList } = decision;
    lines.push(`decision ${renderFields({ scheduleId, startedId, attempt, timeoutSeconds, sticky, taskList })}`);
  }
  for (const activity of run.state.activities.values()) {
    const { scheduleId, activityId, startedId, attempt, cancelRequested, timerTaskStatus } = activity;
    lines.push(
      `activity ${renderFields({ scheduleId, activityId, startedId, attempt, cancelRequested, timerTaskStatus })}`,
    );
  }
  return lines;
}

type Reply = Record<string, unknown> & { readonly transientEvents?: readonly HistoryEvent[] };

export function renderReply(reply: unknown): string[] {
  if (reply === undefined) return [];
  const { decision: _, activity: __, newDecision, localActivities, transientEvents, ...rest } = reply as Reply;
  const lines = renderFields(rest) === '' ? [] : [`reply ${renderFields(rest)}`];
  for (const event of transientEvents ?? []) lines.push(`transient ${renderEvent(event)}`);
  if (newDecision !== undefined) lines.push(...renderReply(newDecision).map((line) => `new decision ${line}`));
  if (localActivities instanceof Map && localActivities.size > 0) lines.push(`local [${[...localActivities.keys()]}]`);
  return lines;
}
