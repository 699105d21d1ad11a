// The entry of the engine: a command on an existing run, applied to its state. Pure: same state, command and context, same answer. The
// state given stays as it was; a refused command throws a ServiceError and leaves no trace.

import { DecisionTaskFailedCause } from '@antiphon/proto';
import { notActive } from './active-cluster.ts';
import * as activities from './activity-commands.ts';
import { hasDecisionInFlight } from './add-event.ts';
import { clusterOfVersion } from './clusters.ts';
import type { Command, CommandKind, CommandReplies, DecideContext } from './commands.ts';
import * as decisions from './decision-commands.ts';
import { ensureDecision, forceCloseDecision } from './decision-task.ts';
import { Draft } from './draft.ts';
import { addAllTasks } from './event-tasks.ts';
import * as external from './external-commands.ts';
import { findBadResetPoint } from './reset-points.ts';
import { fireTimer } from './timer-commands.ts';
import { addTimerTasks } from './timer-tasks.ts';
import type { RunTransition, Transition } from './transition.ts';
import { lastWriteVersion } from './version-histories.ts';
import type { WorkflowState } from './workflow-state.ts';

type Handler<K extends CommandKind> = (draft: Draft, command: Command<K>, reopen: () => Draft) => CommandReplies[K];

const HANDLERS: { readonly [K in CommandKind]: Handler<K> } = {
  recordDecisionTaskStarted: decisions.recordDecisionTaskStarted,
  respondDecisionTaskCompleted: decisions.respondDecisionTaskCompleted,
  respondDecisionTaskFailed: decisions.respondDecisionTaskFailed,
  recordActivityTaskStarted: activities.recordActivityTaskStarted,
  respondActivityTaskCompleted: activities.respondActivityTaskCompleted,
  respondActivityTaskFailed: activities.respondActivityTaskFailed,
  respondActivityTaskCanceled: activities.respondActivityTaskCanceled,
  recordActivityTaskHeartbeat: activities.recordActivityTaskHeartbeat,
  signal: external.signal,
  requestCancel: external.requestCancel,
  terminate: external.terminate,
  scheduleFirstDecision: external.scheduleFirstDecision,
  fireTimer,
  childStarted: external.childStarted,
  childStartFailed: external.childStartFailed,
  childClosed: external.childClosed,
  externalCancelDone: external.externalCancelDone,
  externalSignalDone: external.externalSignalDone,
  resetStickyTaskList: decisions.resetStickyTaskList,
  clearStickiness: decisions.clearStickyDispatch,
  refreshTasks(draft) {
    addAllTasks(draft);
    return undefined;
  },
  reapplySignals: external.reapplySignals,
};

/** Version that closes what was in flight at `written`: on another cluster's version that cluster may have gone on, so it is not ours. */
function closingVersion(written: number, { domain, clusters }: DecideContext): number {
  return clusterOfVersion(clusters, written) === clusters.currentCluster ? written : domain.failoverVersion;
}

/** A draft at the version that the run may be written with; what an older version left in flight is closed first. */
function openDraft(state: WorkflowState, context: DecideContext): Draft {
  const { domain, clusters } = context;
  const written = lastWriteVersion(state.versionHistories) ?? domain.failoverVersion;
  if (written > domain.failoverVersion) {
    throw notActive(domain, clusters.currentCluster, clusterOfVersion(clusters, written));
  }
  const draft = new Draft(state, context, domain.failoverVersion);
  if (written === domain.failoverVersion || !hasDecisionInFlight(draft)) return draft;
  draft.version = closingVersion(written, context);
  forceCloseDecision(draft, DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FAILOVER_CLOSE_DECISION);
  if (draft.version === domain.failoverVersion) return draft;
  // A batch has one version.
  draft.sealBatch();
  draft.version = domain.failoverVersion;
  return draft;
}

/** A draft for a command that writes no event, and so needs no version to write with: passive runs take it too. */
function openUnwritten(state: WorkflowState, context: DecideContext): Draft {
  const draft = new Draft(state, context, lastWriteVersion(state.versionHistories) ?? context.domain.failoverVersion);
  draft.isActive = false;
  return draft;
}

export function decide<K extends CommandKind>(
  state: WorkflowState,
  command: Command<K>,
  context: DecideContext,
): Transition<CommandReplies[K]> {
  const draft = command.kind === 'refreshTasks' ? openUnwritten(state, context) : openDraft(state, context);
  const isFailedOver = draft.isChanged;
  const handler = HANDLERS[command.kind] as Handler<K>;
  const reply = handler(draft, command, () => openDraft(state, context));
  const final = draft.replacedBy ?? draft;
  if (isFailedOver && !external.isClosed(final)) ensureDecision(final);
  const { run, newRun } = finishActive(final);
  return { run, newRun, reply };
}

/** What every command on an active run ends with. */
function finishActive(draft: Draft): { run: RunTransition; newRun: RunTransition | undefined } {
  if (!external.isClosed(draft)) {
    if (draft.isActive) decisions.enforceBufferLimit(draft);
    addTimerTasks(draft);
    addAutoResetTask(draft);
  }
  const { newRun } = draft;
  if (newRun === undefined) return { run: draft.finish(), newRun };
  addTimerTasks(newRun);
  // Its first batch is replicated with the last one of the run that it continues.
  newRun.isActive = false;
  return { run: draft.finish(newRun), newRun: newRun.finish() };
}

/** A run that a bad binary worked on is reset to before that binary's first decision. */
function addAutoResetTask(draft: Draft): void {
  const { badBinaries } = draft.context.domain;
  if (badBinaries.size === 0 || draft.events.length === 0 || draft.children.size > 0) return;
  if (findBadResetPoint(draft.info.autoResetPoints, badBinaries, draft.nowMs) === undefined) return;
  draft.transferTask(draft.version, { $case: 'autoReset', value: {} });
}

/**
 * Fails the decision in flight as a failover does, so that what waits gets its place; undefined when none is in flight. Conflict resolution
 * asks for it before it applies another region's events.
 */
export function closeInFlightDecision(state: WorkflowState, context: DecideContext): RunTransition | undefined {
  const written = lastWriteVersion(state.versionHistories);
  if (written === undefined) return undefined;
  const draft = new Draft(state, context, closingVersion(written, context));
  if (external.isClosed(draft) || !hasDecisionInFlight(draft)) return undefined;
  forceCloseDecision(draft, DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_FAILOVER_CLOSE_DECISION);
  ensureDecision(draft);
  return finishActive(draft).run;
}
