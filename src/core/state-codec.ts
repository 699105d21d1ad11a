// A state as the store keeps it: the internal ExecutionRecord. Signal request ids are rows of their own and come back beside it.

import { ExecutionRecord } from '@antiphon/proto/internal';
import { required } from '#base';
import { SignalRequestIds } from './signal-request-ids.ts';
import type { WorkflowState } from './workflow-state.ts';

export function encodeState(state: WorkflowState): Uint8Array {
  return ExecutionRecord.encode({
    info: state.info,
    activities: [...state.activities.values()],
    timers: [...state.timers.values()],
    children: [...state.children.values()],
    requestCancels: [...state.requestCancels.values()],
    signals: [...state.signals.values()],
    bufferedEvents: state.bufferedEvents as ExecutionRecord['bufferedEvents'],
    versionHistories: state.versionHistories,
  }).finish();
}

export function decodeState(bytes: Uint8Array, signalRequestIds: Iterable<string>): WorkflowState {
  const record = ExecutionRecord.decode(bytes);
  return {
    info: required(record.info, 'an execution record must have its info'),
    activities: new Map(record.activities.map((activity) => [activity.scheduleId, activity])),
    timers: new Map(record.timers.map((timer) => [timer.timerId, timer])),
    children: new Map(record.children.map((child) => [child.initiatedId, child])),
    requestCancels: new Map(record.requestCancels.map((cancel) => [cancel.initiatedId, cancel])),
    signals: new Map(record.signals.map((signal) => [signal.initiatedId, signal])),
    signalRequestIds: SignalRequestIds.of(signalRequestIds),
    bufferedEvents: record.bufferedEvents,
    versionHistories: required(record.versionHistories, 'an execution record must have version histories'),
  };
}
