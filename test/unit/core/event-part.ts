// The part of a state that events alone determine: what a rebuild, another region or a reset must agree on. Attempts, heartbeats,
// stickiness, timer bookkeeping and transient decisions are left out, as workflow-state.ts says.
import { type EventBatch, isRunning, rebuild, type WorkflowState } from '#core';

export function eventPart(state: WorkflowState) {
  const { info } = state;
  const decision = info.decision;
  const isInHistory = decision !== undefined && decision.scheduleId < info.nextEventId && decision.attempt === 0;
  const {
    decisionAttempt: _attempt,
    stickyTaskList: _sticky,
    stickyScheduleToStartSeconds: _stickySeconds,
    stickyUpdatedMs: _stickyUpdated,
    clientLibraryVersion: _library,
    clientFeatureVersion: _feature,
    clientImpl: _impl,
    historySizeBytes: _size,
    lastUpdateTimeMs: _updated,
    ...facts
  } = info;
  return {
    facts: {
      ...facts,
      decision: isInHistory ? { scheduleId: decision.scheduleId, startedId: decision.startedId } : undefined,
    },
    // What waits when a run closes has no events; nobody asks for the activities of a closed run.
    activities: (isRunning(state) ? [...state.activities.values()] : [])
      .map(({ scheduleId, activityId, activityType, cancelRequested, cancelRequestId, scheduledEventBatchId }) => ({
        scheduleId,
        activityId,
        activityType,
        cancelRequested,
        cancelRequestId,
        scheduledEventBatchId,
      }))
      .sort((a, b) => a.scheduleId - b.scheduleId),
    timers: [...state.timers.values()].map(({ taskCreated: _, ...timer }) => timer).sort(byStartedId),
    children: [...state.children.values()],
    requestCancels: [...state.requestCancels.values()],
    signals: [...state.signals.values()],
    signalRequestIds: [...state.signalRequestIds].filter((id) => !id.startsWith('reapplied:')).sort(),
    versionItems: state.versionHistories.histories[state.versionHistories.currentIndex]?.items,
  };
}

const byStartedId = (a: { startedId: number }, b: { startedId: number }): number => a.startedId - b.startedId;

/** The event part of a state rebuilt from the run's batches. */
export function rebuiltPart(state: WorkflowState, batches: readonly EventBatch[]) {
  const { domainId, workflowId, runId, createRequestId } = state.info;
  const { branch } = state.versionHistories.histories[state.versionHistories.currentIndex] ?? {};
  if (branch === undefined) throw new Error('a state has a branch');
  const identity = { domainId, workflowId, runId, branch, requestId: createRequestId };
  return eventPart(
    rebuild(
      batches.map((batch) => batch.events),
      identity,
    ),
  );
}
