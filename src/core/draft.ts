// The one place where a state is changed: a draft is a mutable copy of a state for the length of one command. Maps are copied on first
// write and entries are replaced, never altered, so the state it came from stays as it was and a draft can be thrown away.
// `StateDraft` is what `evolve` needs; `Draft` adds what a command collects beside it: event batches and tasks.

import type { HistoryEvent } from '@antiphon/proto';
import {
  type ActivityInfo,
  type ChildInfo,
  type ExecutionInfo,
  ExecutionState,
  type HistoryBranch,
  type ReplicationTask,
  type RequestCancelInfo,
  type SignalInfo,
  type TimerInfo,
  type TimerTask,
  type TransferTask,
  type VersionHistories,
  type VersionHistoryItem,
} from '@antiphon/proto/internal';
import { assert } from '#base';
import type { DecideContext } from './commands.ts';
import { copyInfo } from './execution-info.ts';
import { SignalRequestIds } from './signal-request-ids.ts';
import type { EventBatch, RunTransition, TaskSet } from './transition.ts';
import { addVersionItem, currentVersionHistory, replaceVersionHistory } from './version-histories.ts';
import type { WorkflowState } from './workflow-state.ts';

/** A map that is shared until it is written. Plain fields: there are six of these in every command. */
export class DraftMap<K, V> {
  current: ReadonlyMap<K, V>;
  isWritten = false;

  constructor(map: ReadonlyMap<K, V>) {
    this.current = map;
  }

  get size(): number {
    return this.current.size;
  }

  get(key: K): V | undefined {
    return this.current.get(key);
  }

  set(key: K, value: V): void {
    this.writable().set(key, value);
  }

  delete(key: K): void {
    if (this.current.has(key)) this.writable().delete(key);
  }

  private writable(): Map<K, V> {
    if (!this.isWritten) {
      this.current = new Map(this.current);
      this.isWritten = true;
    }
    // It is the copy that was just made, or was made before.
    return this.current as Map<K, V>;
  }
}

export class StateDraft {
  info: ExecutionInfo;
  readonly activities: DraftMap<number, Readonly<ActivityInfo>>;
  readonly timers: DraftMap<string, Readonly<TimerInfo>>;
  readonly children: DraftMap<number, Readonly<ChildInfo>>;
  readonly requestCancels: DraftMap<number, Readonly<RequestCancelInfo>>;
  readonly signals: DraftMap<number, Readonly<SignalInfo>>;
  signalRequestIds: SignalRequestIds;
  /** Waiting events of earlier commands. */
  storedBuffer: readonly HistoryEvent[];
  versionHistories: Readonly<VersionHistories>;
  /** First event id of the batch being written. */
  batchFirstId: number;

  constructor(state: WorkflowState) {
    this.info = copyInfo(state.info);
    this.activities = new DraftMap(state.activities);
    this.timers = new DraftMap(state.timers);
    this.children = new DraftMap(state.children);
    this.requestCancels = new DraftMap(state.requestCancels);
    this.signals = new DraftMap(state.signals);
    this.signalRequestIds = SignalRequestIds.of(state.signalRequestIds);
    this.storedBuffer = state.bufferedEvents;
    this.versionHistories = state.versionHistories;
    this.batchFirstId = state.info.nextEventId;
  }

  get branch(): HistoryBranch {
    const { branch } = currentVersionHistory(this.versionHistories);
    assert(branch !== undefined, 'version history must have its branch');
    return branch;
  }

  get versionItems(): readonly VersionHistoryItem[] {
    return currentVersionHistory(this.versionHistories).items;
  }

  /** The newest one: an older one of the same id may have closed with its event still in the buffer. */
  findActivityById(activityId: string): Readonly<ActivityInfo> | undefined {
    let found: Readonly<ActivityInfo> | undefined;
    for (const activity of this.activities.current.values()) {
      if (activity.activityId !== activityId) continue;
      if (found === undefined || activity.scheduleId > found.scheduleId) found = activity;
    }
    return found;
  }

  /** Records that a batch ends with `last`, and makes ready for the next one. */
  endBatch(firstEventId: number, last: HistoryEvent): void {
    const lastId = Number(last.eventId);
    const { branch, items } = currentVersionHistory(this.versionHistories);
    this.versionHistories = replaceVersionHistory(this.versionHistories, this.versionHistories.currentIndex, {
      branch,
      items: addVersionItem(items, lastId, Number(last.version)),
    });
    this.info.lastFirstEventId = firstEventId;
    this.info.lastEventTaskId = Number(last.taskId);
    this.batchFirstId = lastId + 1;
  }

  state(buffer: readonly HistoryEvent[] = this.storedBuffer): WorkflowState {
    return {
      info: this.info,
      activities: this.activities.current,
      timers: this.timers.current,
      children: this.children.current,
      requestCancels: this.requestCancels.current,
      signals: this.signals.current,
      signalRequestIds: this.signalRequestIds,
      bufferedEvents: buffer,
      versionHistories: this.versionHistories,
    };
  }
}

const NO_TASKS: TaskSet = { transfer: [], timer: [], replication: [] };

interface SealedBatch extends EventBatch {
  readonly versionItems: readonly VersionHistoryItem[];
}

export class Draft extends StateDraft {
  readonly base: WorkflowState;
  readonly context: DecideContext;
  /** Failover version of the events that this draft writes. */
  version: number;
  /** Set by changes that make neither events nor tasks. */
  isTouched = false;
  /** Set where timer tasks must be looked at though no activity or timer was written. */
  needsTimerTasks = false;
  /** Replicated runs make no replication tasks. */
  isActive = true;
  /** True while decisions are applied: what is bufferable goes behind all of their direct results, as if it came during the decision. */
  isApplyingDecisions = false;
  /** Buffered by this command. */
  newBuffer: HistoryEvent[] = [];
  events: HistoryEvent[] = [];
  newRun: Draft | undefined;
  /** The draft that counts instead of this one, when a command had to start over. */
  replacedBy: Draft | undefined;
  readonly transfer: TransferTask[] = [];
  readonly timer: TimerTask[] = [];
  readonly replication: ReplicationTask[] = [];
  private readonly sealed: SealedBatch[] = [];

  constructor(state: WorkflowState, context: DecideContext, version: number) {
    super(state);
    this.base = state;
    this.context = context;
    this.version = version;
  }

  get nowMs(): number {
    return this.context.nowMs;
  }

  get hasBufferedEvents(): boolean {
    return this.storedBuffer.length > 0 || this.newBuffer.length > 0;
  }

  get lastWriteVersion(): number | undefined {
    return this.events.length > 0 ? this.version : this.versionItems.at(-1)?.version;
  }

  get isChanged(): boolean {
    return (
      this.isTouched ||
      this.events.length > 0 ||
      this.sealed.length > 0 ||
      this.newBuffer.length > 0 ||
      this.transfer.length > 0 ||
      this.timer.length > 0 ||
      this.replication.length > 0
    );
  }

  transferTask(version: number, work: TransferTask['work']): void {
    const { domainId, workflowId, runId } = this.info;
    this.transfer.push({ domainId, workflowId, runId, taskId: this.context.nextTaskId(), version, work });
  }

  timerTask(version: number, fireTimeMs: number, work: TimerTask['work']): void {
    const { domainId, workflowId, runId } = this.info;
    this.timer.push({ domainId, workflowId, runId, taskId: this.context.nextTaskId(), version, fireTimeMs, work });
  }

  /** SyncActivity: state of an activity that no event will tell the other regions. */
  syncActivityTask(activity: ActivityInfo): void {
    if (!this.isReplicated) return;
    const value = { scheduleId: activity.scheduleId };
    this.replicationTask(activity.version, { $case: 'syncActivity', value });
  }

  get isReplicated(): boolean {
    const { domain } = this.context;
    return this.isActive && domain.isGlobal && domain.clusters.length > 1;
  }

  private replicationTask(version: number, work: ReplicationTask['work']): void {
    const { domainId, workflowId, runId } = this.info;
    const taskId = this.context.nextTaskId();
    this.replication.push({ domainId, workflowId, runId, taskId, version, creationTimeMs: this.nowMs, work });
  }

  /** Closes the batch being written: what follows is another history node. */
  sealBatch(): void {
    const first = this.events[0];
    const last = this.events.at(-1);
    if (first === undefined || last === undefined) return;
    this.endBatch(Number(first.eventId), last);
    this.sealed.push({ branch: this.branch, events: this.events, versionItems: this.versionItems });
    this.events = [];
  }

  /** The draft's outcome. `successor`: the run that the last event continues as, whose first batch travels with this one. */
  finish(successor?: Draft): RunTransition {
    if (!this.isChanged) return { state: this.base, batches: [], tasks: NO_TASKS };
    this.sealBatch();
    this.info.lastUpdateTimeMs = this.nowMs;
    this.addHistoryReplication(successor);
    const isClosed = this.info.state === ExecutionState.EXECUTION_STATE_COMPLETED;
    // Nothing comes after the event that closes a run.
    if (isClosed) this.storedBuffer = this.newBuffer = [];
    const buffer = this.newBuffer.length === 0 ? this.storedBuffer : [...this.storedBuffer, ...this.newBuffer];
    return {
      state: this.state(buffer),
      batches: this.sealed,
      tasks: { transfer: this.transfer, timer: this.timer, replication: this.replication },
    };
  }

  private addHistoryReplication(successor: Draft | undefined): void {
    if (!this.isReplicated) return;
    for (const [at, batch] of this.sealed.entries()) {
      const follower = at === this.sealed.length - 1 ? successor : undefined;
      const first = batch.events[0] as HistoryEvent;
      const last = batch.events.at(-1) as HistoryEvent;
      const value = {
        firstEventId: Number(first.eventId),
        nextEventId: Number(last.eventId) + 1,
        branch: batch.branch,
        versionHistoryItems: [...batch.versionItems],
        newRunBranch: follower?.branch,
        newRunId: follower?.info.runId ?? '',
      };
      this.replicationTask(Number(first.version), { $case: 'history', value });
    }
  }
}
