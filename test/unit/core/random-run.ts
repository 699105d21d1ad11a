// Interprets random numbers as the life of a run: workers, clients, timers, children, another region, failovers. Refusals are fine; what
// must always hold is checked after every step.

import { type Decision, type HistoryEvent, RetryPolicy } from '@antiphon/proto';
import type { TimerTask, TransferTask } from '@antiphon/proto/internal';
import { expect } from 'vitest';
import { ServiceError } from '#base';
import {
  addedSignalRequestIds,
  applyEvents,
  type Command,
  type CommandKind,
  createWorkflow,
  decide,
  decodeState,
  type EventBatch,
  encodeState,
  isRunning,
  type RunTransition,
  type WorkflowState,
} from '#core';
import { deepFreeze } from './deep-freeze.ts';
import {
  completeWorkflow,
  GLOBAL_DOMAIN,
  payload,
  scheduleActivity,
  startRequest,
  startTimer,
  World,
} from './engine-fixture.ts';
import { eventPart, rebuiltPart } from './event-part.ts';

/** One step: what to do, and three numbers to choose by. */
export type Step = readonly [operation: number, a: number, b: number, c: number];

type Attributes = NonNullable<Decision['attributes']>;

const RETRY = RetryPolicy.fromPartial({ initialInterval: { seconds: 1n }, backoffCoefficient: 2, maximumAttempts: 3 });
const NO_BYTES = new Uint8Array(0);

const keyOf = ({ work }: TransferTask | TimerTask): string => JSON.stringify(work);

export class RandomRun {
  readonly world = new World(GLOBAL_DOMAIN);
  state: WorkflowState;
  batches: EventBatch[] = [];
  #emitted = new Set<string>();
  #timers: TimerTask[] = [];
  #replica: WorkflowState | undefined;
  /** Batches that the replica has. */
  #replicated = 0;
  #requests = 0;
  refused = 0;

  constructor(hasRetry: boolean) {
    const retryPolicy = hasRetry ? RETRY : undefined;
    const request = { ...startRequest(), retryPolicy };
    const created = createWorkflow({ runId: 'run-1', request, firstDecisionBackoffSeconds: 0 }, this.world.context());
    this.state = created.state;
    this.#take(undefined, created);
  }

  get history(): HistoryEvent[] {
    return this.batches.flatMap((batch) => batch.events);
  }

  send<K extends CommandKind>(command: Command<K>): void {
    const given = this.state;
    const bytes = encodeState(given);
    deepFreeze(given);
    const started = this.batches[0]?.events[0]?.attributes;
    if (started?.$case === 'workflowExecutionStartedEventAttributes') this.world.startedEvent = started.value;
    try {
      const { run, newRun, reply } = decide(given, command, this.world.context());
      if (command.kind === 'fireTimer' && (reply as { stale: boolean }).stale) {
        expect(run.state).toBe(given);
        expect(run.batches).toEqual([]);
      }
      if (command.kind === 'refreshTasks') {
        this.state = run.state;
        this.#timers.push(...run.tasks.timer);
      } else {
        this.#take(given, run);
      }
      if (newRun !== undefined) this.#follow(newRun);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.refused++;
    }
    expect(Buffer.from(encodeState(given)).equals(bytes), 'the state given must stay as it was').toBe(true);
  }

  /** Goes on with the run that continues this one. */
  #follow(newRun: RunTransition): void {
    expect(isRunning(this.state)).toBe(false);
    expect(newRun.tasks.replication, 'it travels with its predecessor').toEqual([]);
    this.batches = [];
    this.#emitted = new Set();
    this.#timers = [];
    this.#replica = undefined;
    this.#take(undefined, newRun);
  }

  #take(before: WorkflowState | undefined, run: RunTransition): void {
    this.state = run.state;
    this.batches.push(...run.batches);
    for (const task of run.tasks.transfer) this.#emitted.add(keyOf(task));
    for (const task of run.tasks.timer) this.#emitted.add(keyOf(task));
    this.#timers.push(...run.tasks.timer);
    this.#checkBatches(run);
    this.#checkState(before, run);
  }

  #checkBatches(run: RunTransition): void {
    const ids = [...run.tasks.transfer, ...run.tasks.timer, ...run.tasks.replication].map((task) => task.taskId);
    expect(new Set(ids).size, 'task ids are unique').toBe(ids.length);
    let eventId = 0;
    let version = Number.NEGATIVE_INFINITY;
    for (const { events } of this.batches) {
      for (const event of events) {
        expect(Number(event.eventId), 'event ids are dense').toBe(++eventId);
        expect(event.version, 'a batch has one version').toBe(events[0]?.version);
        expect(Number(event.version), 'versions never decrease').toBeGreaterThanOrEqual(version);
        version = Number(event.version);
      }
    }
    expect(this.state.info.nextEventId).toBe(eventId + 1);
  }

  #checkState(before: WorkflowState | undefined, run: RunTransition): void {
    const { state } = run;
    const { decision } = state.info;
    const bytes = encodeState(state);
    const decoded = decodeState(bytes, state.signalRequestIds);
    expect(Buffer.from(encodeState(decoded)).equals(bytes), 'a stored state comes back as it was').toBe(true);
    const added = addedSignalRequestIds(before?.signalRequestIds, state.signalRequestIds);
    expect([...(before?.signalRequestIds ?? []), ...added]).toEqual([...state.signalRequestIds]);
    if (state.bufferedEvents.length > 0) {
      expect(decision?.startedId, 'events wait for a decision in flight only').not.toBe(0);
      return;
    }
    expect(rebuiltPart(state, this.batches)).toEqual(eventPart(state));
    this.#replicate();
    expect(eventPart(this.#replica ?? state)).toEqual(eventPart(state));
    if (isRunning(state)) this.#checkTasks();
  }

  #replicate(): void {
    const { domainId, workflowId, runId, createRequestId } = this.state.info;
    const all = this.#replica === undefined ? this.batches : this.batches.slice(this.#replicated);
    for (const { branch, events } of all) {
      const input = { domainId, workflowId, runId, branch, events, requestId: createRequestId };
      const applied = applyEvents(this.#replica, input, this.world.context());
      expect(applied.tasks.replication).toEqual([]);
      this.#replica = applied.state;
    }
    this.#replicated = this.batches.length;
  }

  /** Whatever a refresh would make was made before: no work of the state is without its task. */
  #checkTasks(): void {
    const { tasks } = decide(this.state, { kind: 'refreshTasks' }, this.world.context()).run;
    for (const task of tasks.transfer) {
      if (task.work?.$case === 'recordStarted' || task.work?.$case === 'upsertVisibility') continue;
      if (!this.#awaitsRetry(task)) expect(this.#emitted, `a task for ${keyOf(task)}`).toContain(keyOf(task));
    }
    for (const task of tasks.timer) {
      const isShared = task.work?.$case === 'activityTimeouts' || task.work?.$case === 'userTimers';
      const isAwaited = this.#timers.some((timer) =>
        isShared
          ? timer.work?.$case === task.work?.$case && timer.fireTimeMs <= task.fireTimeMs
          : keyOf(timer) === keyOf(task),
      );
      expect(isAwaited, `a timer for ${keyOf(task)} at ${task.fireTimeMs}`).toBe(true);
    }
  }

  /** The next attempt is due, and its timer is about to say so. */
  #awaitsRetry({ work }: TransferTask): boolean {
    if (work?.$case !== 'activity') return false;
    const { scheduleId, attempt } = work.value;
    const retry = JSON.stringify({ $case: 'activityRetry', value: { scheduleId, attempt } });
    return this.#timers.some((timer) => keyOf(timer) === retry);
  }

  step([operation, a, b, c]: Step): void {
    const operations = [
      () => this.poll(),
      () => this.complete(a, b, c),
      () => this.poll(),
      () => this.complete(c, a, b),
      () => this.failDecision(),
      () => this.#activity(a, b),
      () => this.#activity(b, c),
      () => this.signal(a),
      () => this.#cancel(a),
      () => this.fireNext(),
      () => this.fireNext(),
      () => this.#outside(a, b),
      () => this.#advance(a),
      () => this.#failover(a),
      () => this.#sticky(a),
    ];
    operations[operation % operations.length]?.();
  }

  poll(): void {
    const scheduleId = this.state.info.decision?.scheduleId ?? 0;
    this.send({ kind: 'recordDecisionTaskStarted', scheduleId, requestId: `p${++this.#requests}`, identity: 'w' });
  }

  complete(a: number, b: number, c: number, last?: Attributes): void {
    const { decision } = this.state.info;
    const decisions = [this.#decision(a), this.#decision(b), ...(last === undefined ? [this.#decision(c)] : [])];
    if (last !== undefined) decisions.splice(0, decisions.length, last);
    this.send({
      kind: 'respondDecisionTaskCompleted',
      scheduleId: decision?.scheduleId ?? 0,
      attempt: decision?.attempt ?? 0,
      decisions: decisions.filter((each) => each !== undefined).map((attributes) => ({ attributes })),
      executionContext: NO_BYTES,
      identity: 'w',
      binaryChecksum: `v${a % 2}`,
      stickyAttributes:
        b % 2 === 0
          ? {
              workerTaskList: { name: 'host', kind: 2, baseName: '' },
              scheduleToStartTimeout: { seconds: 5n, nanos: 0 },
            }
          : undefined,
      returnNewDecisionTask: c % 3 === 0,
      forceCreateNewDecisionTask: c % 5 === 0,
      client: { impl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1.3.0' },
      findDomain: () => undefined,
    });
  }

  #decision(choice: number): Attributes | undefined {
    const id = `${choice % 4}`;
    const target = { workflowId: 'other', runId: '' };
    const make: (() => Attributes | undefined)[] = [
      () => undefined,
      () => scheduleActivity(id),
      () => scheduleActivity(id, { retryPolicy: RETRY, heartbeatTimeout: { seconds: 3n, nanos: 0 } }),
      () => scheduleActivity(id, { requestLocalDispatch: true, retryPolicy: choice % 2 === 0 ? RETRY : undefined }),
      () => startTimer(id, 1 + (choice % 20)),
      () => ({ $case: 'cancelTimerDecisionAttributes', value: { timerId: id } }),
      () => ({ $case: 'requestCancelActivityTaskDecisionAttributes', value: { activityId: id } }),
      () => ({
        $case: 'recordMarkerDecisionAttributes',
        value: { markerName: 'm', details: payload('x'), header: undefined },
      }),
      () => ({
        $case: 'signalExternalWorkflowExecutionDecisionAttributes',
        value: {
          domain: '',
          workflowExecution: target,
          signalName: 's',
          input: undefined,
          control: NO_BYTES,
          childWorkflowOnly: false,
        },
      }),
      () => ({
        $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
        value: { domain: '', workflowExecution: target, control: NO_BYTES, childWorkflowOnly: false },
      }),
      () => this.#startChild(id),
      () => ({
        $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
        value: { searchAttributes: { indexedFields: { Custom: payload(id) } } },
      }),
      () => (choice % 7 === 0 ? completeWorkflow() : undefined),
      () =>
        choice % 5 === 0
          ? {
              $case: 'failWorkflowExecutionDecisionAttributes',
              value: { failure: { reason: 'oops', details: NO_BYTES } },
            }
          : undefined,
    ];
    return make[choice % make.length]?.();
  }

  #startChild(id: string): Attributes {
    return {
      $case: 'startChildWorkflowExecutionDecisionAttributes',
      value: {
        domain: '',
        workflowId: `child-${id}`,
        workflowType: { name: 'Child' },
        parentClosePolicy: 0,
        control: NO_BYTES,
        workflowIdReusePolicy: 0,
        cronSchedule: '',
        cronOverlapPolicy: 0,
      },
    };
  }

  failDecision(): void {
    const { decision } = this.state.info;
    this.send({
      kind: 'respondDecisionTaskFailed',
      scheduleId: decision?.scheduleId ?? 0,
      attempt: decision?.attempt ?? 0,
      cause: 14,
      identity: 'w',
      binaryChecksum: '',
    });
  }

  #activity(a: number, b: number): void {
    const pending = [...this.state.activities.values()];
    const activity = pending[a % Math.max(1, pending.length)];
    const token = { scheduleId: activity?.scheduleId ?? 5, attempt: activity?.attempt ?? 0 };
    const identity = 'w';
    if (activity?.startedId === 0) {
      this.send({ kind: 'recordActivityTaskStarted', ...token, requestId: `a${b}`, identity });
      return;
    }
    const answers: (() => void)[] = [
      () => this.send({ kind: 'respondActivityTaskCompleted', ...token, identity }),
      () =>
        this.send({
          kind: 'respondActivityTaskFailed',
          ...token,
          failure: { reason: 'no', details: NO_BYTES },
          identity,
        }),
      () => this.send({ kind: 'respondActivityTaskCanceled', ...token, identity }),
      () => this.send({ kind: 'recordActivityTaskHeartbeat', ...token, details: payload('b'), identity }),
      () => this.send({ kind: 'respondActivityTaskCompleted', activityId: `${a % 4}`, identity }),
    ];
    answers[b % answers.length]?.();
  }

  signal(a: number): void {
    this.send({ kind: 'signal', signalName: 's', identity: 'c', requestId: a % 2 === 0 ? '' : `s${a % 9}` });
  }

  #cancel(a: number): void {
    if (a % 11 === 0) this.send({ kind: 'terminate', reason: 'r', identity: 'c' });
    else if (a % 3 === 0) this.send({ kind: 'requestCancel', cause: '', identity: 'c', requestId: `c${a % 2}` });
  }

  /** The timer that is due first, at its time. */
  fireNext(): void {
    this.#timers.sort((x, y) => x.fireTimeMs - y.fireTimeMs);
    const task = this.#timers.shift();
    if (task === undefined) return;
    this.world.nowMs = Math.max(this.world.nowMs, task.fireTimeMs);
    this.send({ kind: 'fireTimer', task });
  }

  #outside(a: number, b: number): void {
    const event = (initiatedId: number): HistoryEvent => this.history[initiatedId - 1] as HistoryEvent;
    const child = [...this.state.children.values()][0];
    const signal = [...this.state.signals.values()][0];
    const cancel = [...this.state.requestCancels.values()][0];
    const failed = b % 2 === 0 ? (1 as const) : undefined;
    if (child !== undefined && a % 3 === 0) {
      const { initiatedId, workflowId } = child;
      const initiatedEvent = event(initiatedId);
      const closeEvent = {
        ...initiatedEvent,
        attributes: {
          $case: 'workflowExecutionTerminatedEventAttributes' as const,
          value: { reason: '', details: undefined, identity: '' },
        },
      };
      if (b % 3 === 0) this.send({ kind: 'childStarted', initiatedId, runId: 'r', initiatedEvent });
      else if (b % 3 === 1)
        this.send({ kind: 'childClosed', initiatedId, childWorkflowId: workflowId, childRunId: 'r', closeEvent });
      else if (child.startedId === 0) this.send({ kind: 'childStartFailed', initiatedId, initiatedEvent });
    } else if (signal !== undefined && a % 3 === 1) {
      const { initiatedId } = signal;
      this.send({ kind: 'externalSignalDone', initiatedId, initiatedEvent: event(initiatedId), failed });
    } else if (cancel !== undefined) {
      const { initiatedId } = cancel;
      this.send({ kind: 'externalCancelDone', initiatedId, initiatedEvent: event(initiatedId), failed });
    }
  }

  /** Time passes, but not over a timer. */
  #advance(a: number): void {
    const nextMs = Math.min(...this.#timers.map((task) => task.fireTimeMs));
    this.world.nowMs = Math.max(this.world.nowMs, Math.min(this.world.nowMs + (a % 10_000), nextMs));
  }

  /** The domain went to the other region, which did nothing, and came back; or it went there and stays, with what was replicated. */
  #failover(a: number): void {
    if (a % 4 !== 0) return;
    const { domain, clusters } = this.world;
    const goes = a % 8 === 0 && this.state.bufferedEvents.length === 0 && this.#replica !== undefined;
    const target = goes ? (clusters.currentCluster === 'a' ? 'b' : 'a') : clusters.currentCluster;
    const initial = clusters.clusters[target]?.initialFailoverVersion ?? 0;
    const version = Math.floor(domain.failoverVersion / 10) * 10 + 10 + initial;
    this.world.domain = { ...domain, failoverVersion: version, activeCluster: target };
    this.world.clusters = { ...clusters, currentCluster: target };
    if (!goes || this.#replica === undefined) return;
    this.state = this.#replica;
    if (!isRunning(this.state)) return;
    const refreshed = decide(this.state, { kind: 'refreshTasks' }, this.world.context()).run;
    this.state = refreshed.state;
    this.#timers.push(...refreshed.tasks.timer);
    for (const task of [...refreshed.tasks.transfer, ...refreshed.tasks.timer]) this.#emitted.add(keyOf(task));
  }

  #sticky(a: number): void {
    if (a % 2 === 0) this.send({ kind: 'clearStickiness', scheduleId: this.state.info.decision?.scheduleId ?? 0 });
    else if (a % 3 === 0) this.send({ kind: 'resetStickyTaskList' });
    else this.send({ kind: 'refreshTasks' });
  }

  /** A run can always be brought to its end by a worker. */
  finish(): void {
    for (let round = 0; round < 100 && isRunning(this.state); round++) {
      if (this.state.info.decision === undefined) this.signal(0);
      const { decision } = this.state.info;
      if (decision === undefined) {
        this.fireNext();
        continue;
      }
      if (decision.startedId === 0) this.poll();
      const before = this.state;
      this.complete(0, 1, 1, completeWorkflow());
      // A decision of another version is not this worker's any more: its timer makes a new one.
      if (this.state === before) this.fireNext();
    }
    expect(isRunning(this.state), 'a run can end').toBe(false);
  }
}
