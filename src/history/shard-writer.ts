// Turns a transition into writes of the open group: encoded event batches, the run's row, the current-run row, tasks. Everything here is
// synchronous: between two commands of a shard nothing else runs, so task ids grow in the order in which groups commit.
import type { HistoryBranch } from '@antiphon/proto/internal';
import { addedSignalRequestIds, type EventBatch, type RunTransition, type TaskSet, withHistorySize } from '#core';
import type { CurrentRun, RunKey } from '#persistence';
import type { CommitGroup } from './commit-group.ts';
import { encodeEvents } from './history-reader.ts';
import { currentRunOf, isOpen, isSameCurrentRun } from './run-state.ts';
import type { TaskIds } from './task-ids.ts';
import { RunEntry, type Slot } from './workflow-cache.ts';

export interface ShardWriter {
  /** A new run of the slot. It becomes the current one if it is open. */
  createRun(group: CommitGroup, slot: Slot, transition: RunTransition): RunEntry;
  /** The next state of a run. Its current-run row follows when its columns change. */
  updateRun(group: CommitGroup, slot: Slot, entry: RunEntry, transition: RunTransition): void;
  setCurrent(group: CommitGroup, slot: Slot, current: CurrentRun): void;
}

export function createShardWriter(taskIds: TaskIds, options: { recentBytesPerRun: number }): ShardWriter {
  const branchInfo = (key: RunKey): string => `${key.domainId}:${key.workflowId}:${key.runId}`;

  const writeBatches = (group: CommitGroup, entry: RunEntry, batches: readonly EventBatch[]): void => {
    let addedBytes = 0;
    for (const { branch, events } of batches) {
      const blob = encodeEvents(events);
      addedBytes += blob.length;
      const firstEventId = Number(events[0]?.eventId);
      group.addNode({
        treeId: branch.treeId,
        branchId: branch.branchId,
        nodeId: firstEventId,
        // Ours, not the event's task id: a replicated event carries its source's.
        txnId: taskIds.next(),
        blob,
        eventCount: events.length,
      });
      const batch = { firstEventId, nextEventId: firstEventId + events.length, blob, events };
      entry.recent.append(branch.branchId, batch, options.recentBytesPerRun);
    }
    if (addedBytes > 0) entry.state = withHistorySize(entry.state, addedBytes);
  };

  const writeBranches = (
    group: CommitGroup,
    key: RunKey,
    known: readonly { readonly branch?: HistoryBranch | undefined }[],
    entry: RunEntry,
  ): void => {
    const { histories } = entry.state.versionHistories;
    if (histories.length === known.length) return;
    for (const { branch } of histories) {
      if (branch === undefined || known.some((other) => other.branch?.branchId === branch.branchId)) continue;
      group.branches.push({ branch, info: branchInfo(key) });
    }
  };

  const setCurrent = (group: CommitGroup, slot: Slot, current: CurrentRun): void => {
    if (slot.current !== null && slot.current !== undefined && isSameCurrentRun(slot.current, current)) return;
    slot.current = current;
    group.setCurrent(slot, current);
  };

  const addTasks = (group: CommitGroup, tasks: TaskSet): void => {
    if (tasks.transfer.length + tasks.timer.length + tasks.replication.length > 0) group.addTasks(tasks);
  };

  return {
    setCurrent,
    createRun(group, slot, transition) {
      const { state } = transition;
      const key = { domainId: slot.domainId, workflowId: slot.workflowId, runId: state.info.runId };
      const entry = new RunEntry(key, state, 512);
      slot.runs.set(key.runId, entry);
      writeBatches(group, entry, transition.batches);
      writeBranches(group, key, [], entry);
      group.addRun(slot, entry, true, addedSignalRequestIds(undefined, state.signalRequestIds));
      if (isOpen(state)) setCurrent(group, slot, currentRunOf(entry.state));
      addTasks(group, transition.tasks);
      return entry;
    },
    updateRun(group, slot, entry, transition) {
      const before = entry.state;
      entry.state = transition.state;
      writeBatches(group, entry, transition.batches);
      writeBranches(group, entry.key, before.versionHistories.histories, entry);
      group.addRun(
        slot,
        entry,
        false,
        addedSignalRequestIds(before.signalRequestIds, transition.state.signalRequestIds),
      );
      // An open run is its workflow id's current run; a run that was closed already is it only if the row says so.
      if (isOpen(before) || slot.current?.runId === entry.key.runId) {
        setCurrent(group, slot, currentRunOf(entry.state));
      }
      addTasks(group, transition.tasks);
    },
  };
}
