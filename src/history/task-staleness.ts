// Is the work of a task still to be done? Decided from the run's state alone, so that tasks may be delivered any number of times.
import { ParentClosePolicy } from '@antiphon/proto';
import type { TransferTask } from '@antiphon/proto/internal';
import { unreachable } from '#base';
import type { WorkflowState } from '#core';
import { isOpen, isUnstarted } from './run-state.ts';

/** A task that hands a decision or an activity to matching. */
export const isDispatch = ({ work }: TransferTask): boolean => work?.$case === 'decision' || work?.$case === 'activity';

/** A task that writes a visibility record; that of a close tells the parent, too. */
export const isListing = ({ work }: TransferTask): boolean =>
  work?.$case === 'recordStarted' || work?.$case === 'upsertVisibility' || work?.$case === 'closeExecution';

/** True when the state shows that nothing is left to do. Visibility tasks are never stale: they write what is newest. */
export function isTransferStale(state: WorkflowState, task: TransferTask): boolean {
  const { work } = task;
  if (work === undefined) return true;
  switch (work.$case) {
    case 'decision': {
      const { decision } = state.info;
      if (!isOpen(state) || decision === undefined) return true;
      const { scheduleId, attempt } = work.value;
      return decision.scheduleId !== scheduleId || decision.attempt !== attempt || !isUnstarted(decision.startedId);
    }
    case 'activity': {
      const activity = state.activities.get(work.value.scheduleId);
      if (!isOpen(state) || activity === undefined) return true;
      return activity.attempt !== work.value.attempt || !isUnstarted(activity.startedId);
    }
    case 'cancelExternal':
      return !isOpen(state) || !state.requestCancels.has(work.value.initiatedId);
    case 'signalExternal':
      return !isOpen(state) || !state.signals.has(work.value.initiatedId);
    case 'startChild': {
      const child = state.children.get(work.value.initiatedId);
      if (child === undefined) return true;
      // A closed parent starts nothing more; a child it leaves behind still needs its first decision.
      const isLeft = child.parentClosePolicy === ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON;
      return !isOpen(state) && (isUnstarted(child.startedId) || !isLeft);
    }
    case 'autoReset':
      return !isOpen(state);
    case 'closeExecution':
    case 'recordStarted':
    case 'upsertVisibility':
      return false;
    default:
      return unreachable(work);
  }
}
