// What signals do to a schedule. Pure, and in the sandbox: a command takes effect in the schedule's state the moment it is received, so that
// whoever sent it sees it; the next step acts on it.
import type { ScheduleCommand, ScheduleDefinition, ScheduleState } from '#core';

export interface Schedule {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
}

/** Backfills at a time. */
const BACKFILLS_MAX = 100;

export function applyCommand(schedule: Schedule, command: ScheduleCommand, nowMs: number): Schedule {
  const { definition, state } = schedule;
  switch (command.kind) {
    case 'pause':
      return { definition, state: { ...state, paused: { reason: command.reason, by: command.by, atMs: nowMs } } };
    case 'unpause': {
      if (state.paused === undefined) return schedule;
      const resume = { atMs: nowMs, catchUp: command.catchUp ?? definition.policies.catchUp };
      return { definition, state: { ...state, paused: undefined, resume } };
    }
    case 'update': {
      const changed = {
        spec: command.spec ?? definition.spec,
        action: command.action ?? definition.action,
        policies: command.policies ?? definition.policies,
      };
      // Another calendar begins now; what the old one missed is not made up for by the new one.
      const restarts = command.spec !== undefined;
      const from = restarts ? { processedMs: Math.max(state.processedMs, nowMs), candidateMs: undefined } : {};
      return { definition: changed, state: { ...state, ...from, updatedMs: nowMs } };
    }
    case 'backfill': {
      const { id, startMs, endMs, runsTotal } = command;
      const isKnown = state.doneBackfills.includes(id) || state.backfills.some((backfill) => backfill.id === id);
      if (isKnown || state.backfills.length >= BACKFILLS_MAX) return schedule;
      const overlap = command.overlap ?? definition.policies.overlap;
      const backfill = { id, startMs, endMs, overlap, processedMs: startMs - 1, runsCompleted: 0, runsTotal };
      return { definition, state: { ...state, backfills: [...state.backfills, backfill] } };
    }
    case 'delete':
      return schedule;
  }
}
