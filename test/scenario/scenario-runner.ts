// Runs scenario commands against the engine. Beside the answers it checks, after every command, that the state given was not changed, that
// the history is dense, that a rebuild from events agrees, and that a passive replica fed with the batches agrees too.

import type { HistoryEvent } from '@antiphon/proto';
import type { TimerTask } from '@antiphon/proto/internal';
import { expect } from 'vitest';
import { ServiceError } from '#base';
import {
  applyEvents,
  type Command,
  type CommandKind,
  createWorkflow,
  decodeState,
  durationOf,
  encodeState,
  firstDecisionBackoffSeconds,
  forkBranch,
  type RunTransition,
  rebuild,
  resetWorkflow,
  versionOfEvent,
  type WorkflowState,
} from '#core';
import { GLOBAL_DOMAIN, payload, START_MS, startRequest, TestRun, World } from '../unit/core/engine-fixture.ts';
import { eventPart, rebuiltPart } from '../unit/core/event-part.ts';
import { parseDecision, retryPolicyOf } from './decision-lines.ts';
import { renderReply, renderRun } from './render.ts';
import { type CommandLine, parseLine, type ScenarioCommand } from './scenario-file.ts';

const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

export class ScenarioRunner {
  readonly #world = new World();
  readonly #runs = new Map<string, TestRun>();
  #run: TestRun | undefined;
  #timers: TimerTask[] = [];
  /** What the other region has of the current run, and how many batches went into it. */
  #replica: { state: WorkflowState | undefined; batches: number } = { state: undefined, batches: 0 };

  execute(command: ScenarioCommand): string {
    const [first = '', ...more] = command.lines;
    try {
      return this.#dispatch(parseLine(first), more).join('\n');
    } catch (error) {
      if (error instanceof ServiceError) return `error ${error.kind}: ${error.message}`;
      throw error;
    }
  }

  get #current(): TestRun {
    if (this.#run === undefined) throw new Error('no run is started');
    return this.#run;
  }

  #dispatch(line: CommandLine, more: readonly string[]): string[] {
    const { verb, words, options } = line;
    switch (verb) {
      case 'domain':
        return this.#setDomain(options);
      case 'limits':
        this.#world.limits = {
          ...this.#world.limits,
          ...Object.fromEntries(Object.entries(options).map(([key, value]) => [key, Number(value)])),
        };
        return [];
      case 'advance':
        this.#world.nowMs += Number(words[0]) * 1000;
        return [];
      case 'random':
        this.#world.randomValue = Number(words[0]);
        return [];
      case 'start':
        return this.#start(options);
      case 'use':
        this.#use(words[0] ?? '');
        return [];
      case 'fire':
        return this.#fire(words[0] ?? '');
      case 'reset':
        return this.#reset(options);
      case 'replicate':
        return this.#replicate();
      default:
        return this.#send(this.#command(line, more));
    }
  }

  #setDomain(options: CommandLine['options']): string[] {
    const world = this.#world;
    world.domain = {
      ...(options.global === 'true' ? GLOBAL_DOMAIN : world.domain),
      ...(options.version === undefined ? {} : { failoverVersion: Number(options.version) }),
      ...(options.bad === undefined ? {} : { badBinaries: new Set([options.bad]) }),
      ...(options.archive === undefined
        ? {}
        : { archivesHistory: true, archivalDelayMs: Number(options.archive) * 1000 }),
    };
    if (options.cluster !== undefined) world.clusters = { ...world.clusters, currentCluster: options.cluster };
    return [];
  }

  #start(options: CommandLine['options']): string[] {
    const request = startRequest({
      executionStartToCloseTimeout: durationOf(Number(options.timeout ?? 3600)),
      delayStart: durationOf(Number(options.delay ?? 0)),
      cronSchedule: options.cron ?? '',
      cronOverlapPolicy: options.overlap === 'buffer-one' ? 2 : 1,
    });
    const retryPolicy = retryPolicyOf(options);
    const runId = options.run ?? `run-${this.#runs.size + 1}`;
    const parent = {
      domainId: 'domain-id',
      domainName: 'shop',
      workflowExecution: { workflowId: 'parent', runId: 'parent-run' },
      initiatedId: 5n,
    };
    const { nowMs } = this.#world;
    const transition = createWorkflow(
      {
        runId,
        request: { ...request, retryPolicy, input: payload(options.input ?? 'in') },
        firstDecisionBackoffSeconds: firstDecisionBackoffSeconds(request, nowMs, () => this.#world.randomValue),
        ...(options.parent === undefined ? {} : { parent }),
        ...(options.signal === undefined
          ? {}
          : { signal: { signalName: options.signal, identity: 'client', requestId: 'signal-1' } }),
      },
      this.#world.context(),
    );
    return this.#adopt(runId, transition);
  }

  /** A new run becomes the current one. */
  #adopt(runId: string, transition: RunTransition): string[] {
    const run = new TestRun(this.#world, transition);
    this.#runs.set(runId, run);
    this.#run = run;
    this.#timers = [...transition.tasks.timer];
    this.#replica = { state: undefined, batches: 0 };
    return renderRun(transition);
  }

  #use(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) throw new Error(`no run ${runId}`);
    this.#run = run;
    this.#replica = { state: undefined, batches: 0 };
    this.#timers = [...run.last.tasks.timer];
  }

  #send<K extends CommandKind>(command: Command<K>): string[] {
    const run = this.#current;
    const reply = run.send(command);
    this.#timers.push(...run.last.tasks.timer);
    this.#check(run);
    const lines = [...renderRun(run.last), ...renderReply(reply)];
    const newRun = run.lastTransition?.newRun;
    if (newRun !== undefined) {
      const { runId } = newRun.state.info;
      this.#runs.set(runId, new TestRun(this.#world, newRun));
      lines.push(`new run ${runId}`, ...renderRun(newRun).map((text) => `  ${text}`));
    }
    return lines;
  }

  #check(run: TestRun): void {
    const { state, batches } = run;
    for (const batch of batches) {
      expect(new Set(batch.events.map((event) => event.version)).size, 'a batch has one version').toBe(1);
    }
    if (state.bufferedEvents.length === 0) expect(rebuiltPart(state, batches)).toEqual(eventPart(state));
    const bytes = encodeState(state);
    expect(encodeState(decodeState(bytes, state.signalRequestIds))).toEqual(bytes);
  }

  /** Fires the newest task of that kind, at its time. */
  #fire(work: string): string[] {
    const task = this.#timers.findLast((each) => each.work?.$case === work);
    if (task === undefined) throw new Error(`no timer task ${work}`);
    this.#world.nowMs = Math.max(this.#world.nowMs, task.fireTimeMs);
    return [`time ${(this.#world.nowMs - START_MS) / 1000}s`, ...this.#send({ kind: 'fireTimer', task })];
  }

  /** Feeds the other region with what it has not seen. */
  #replicate(): string[] {
    const { state, batches } = this.#current;
    const { domainId, workflowId, runId, createRequestId } = state.info;
    const lines: string[] = [];
    for (const { branch, events } of batches.slice(this.#replica.batches)) {
      const input = { domainId, workflowId, runId, branch, events, requestId: createRequestId };
      const applied = applyEvents(this.#replica.state, input, this.#world.context());
      expect(applied.tasks.replication, 'replicated runs replicate nothing').toEqual([]);
      this.#replica = { state: applied.state, batches: this.#replica.batches + 1 };
      lines.push(...renderRun({ ...applied, batches: [] }), '--');
    }
    const replica = this.#replica.state;
    if (replica !== undefined && state.bufferedEvents.length === 0)
      expect(eventPart(replica)).toEqual(eventPart(state));
    return lines.slice(0, -1);
  }

  /** Failover to the other region: goes on with the replica. */
  #failover(): void {
    const { state } = this.#replica;
    if (state === undefined) throw new Error('nothing is replicated');
    this.#current.state = state;
  }

  #reset(options: CommandLine['options']): string[] {
    const { state, batches } = this.#current;
    const decisionFinishEventId = Number(options.event);
    const { branch: base, items } = state.versionHistories.histories[state.versionHistories.currentIndex] ?? {};
    if (base === undefined || items === undefined) throw new Error('a state has a branch');
    const newRunId = 'reset-run';
    const branch = forkBranch(base, decisionFinishEventId, 'reset-branch');
    const kept = batches
      .map((batch) => batch.events.filter((event) => Number(event.eventId) < decisionFinishEventId))
      .filter((events) => events.length > 0);
    const { domainId, workflowId } = state.info;
    const rebuilt = rebuild(kept, { domainId, workflowId, runId: newRunId, branch, requestId: 'reset-request' });
    const transition = resetWorkflow(
      rebuilt,
      {
        newRunId,
        requestId: 'reset-request',
        reason: options.reason ?? 'try again',
        decisionFinishEventId,
        branch,
        forkEventVersion: versionOfEvent(items, decisionFinishEventId - 1) ?? 0,
        baseRunId: state.info.runId,
        signals: this.#current.history.filter((event) => Number(event.eventId) >= decisionFinishEventId),
      },
      this.#world.context(),
    );
    const all = [...kept.map((events) => ({ branch, events })), ...transition.batches];
    expect(rebuiltPart(transition.state, all)).toEqual(eventPart(transition.state));
    const lines = renderRun(transition);
    this.#timers = [...transition.tasks.timer];
    const run = new TestRun(this.#world, { ...transition, batches: all });
    this.#runs.set(newRunId, run);
    this.#run = run;
    return lines;
  }

  #initiated(id: string | undefined): HistoryEvent {
    const event = this.#current.history[Number(id) - 1];
    if (event === undefined) throw new Error(`no event ${id}`);
    return event;
  }

  #command({ verb, words, options }: CommandLine, more: readonly string[]): Command {
    const { state } = this.#current;
    const { decision } = state.info;
    const identity = options.identity ?? 'worker';
    const initiatedId = number(options.initiated) ?? 0;
    const token =
      options.id === undefined
        ? { scheduleId: number(options.schedule) ?? 0, attempt: number(options.attempt) ?? 0 }
        : { activityId: options.id };
    switch (verb) {
      case 'poll':
        return {
          kind: 'recordDecisionTaskStarted',
          scheduleId: number(options.schedule) ?? decision?.scheduleId ?? 0,
          requestId: options.request ?? `poll-${state.info.nextEventId}-${decision?.attempt}`,
          identity,
        };
      case 'complete':
        return {
          kind: 'respondDecisionTaskCompleted',
          scheduleId: number(options.schedule) ?? decision?.scheduleId ?? 0,
          attempt: number(options.attempt) ?? decision?.attempt ?? 0,
          decisions: more.map((text) => ({ attributes: parseDecision(text) })),
          executionContext: new Uint8Array(0),
          identity,
          binaryChecksum: options.checksum ?? '',
          ...(options.sticky === undefined
            ? {}
            : {
                stickyAttributes: {
                  workerTaskList: { name: options.sticky, kind: 2 as const, baseName: '' },
                  scheduleToStartTimeout: { seconds: 5n, nanos: 0 },
                },
              }),
          returnNewDecisionTask: words.includes('return-new'),
          forceCreateNewDecisionTask: words.includes('force-new'),
          client: { impl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1.3.0' },
          findDomain: () => undefined,
        };
      case 'fail-decision':
        return {
          kind: 'respondDecisionTaskFailed',
          scheduleId: decision?.scheduleId ?? 0,
          attempt: decision?.attempt ?? 0,
          cause: 14,
          identity,
          binaryChecksum: '',
        };
      case 'start-activity':
        return {
          kind: 'recordActivityTaskStarted',
          scheduleId: number(options.schedule) ?? 0,
          attempt: number(options.attempt) ?? 0,
          requestId: options.request ?? 'activity-poll',
          identity,
        };
      case 'complete-activity':
        return { kind: 'respondActivityTaskCompleted', ...token, result: payload(options.result ?? 'ok'), identity };
      case 'fail-activity':
        return {
          kind: 'respondActivityTaskFailed',
          ...token,
          failure: { reason: options.reason ?? 'oops', details: new Uint8Array(0) },
          identity,
        };
      case 'cancel-activity':
        return { kind: 'respondActivityTaskCanceled', ...token, identity };
      case 'heartbeat':
        return { kind: 'recordActivityTaskHeartbeat', ...token, details: payload(options.details ?? 'beat'), identity };
      case 'signal':
        return {
          kind: 'signal',
          signalName: words[0] ?? '',
          identity: 'client',
          requestId: options.request ?? '',
          ...(options.parent === undefined
            ? {}
            : { external: { childWorkflowOnly: true, parent: { workflowId: options.parent, runId: 'parent-run' } } }),
        };
      case 'cancel':
        return { kind: 'requestCancel', cause: 'stop', identity: 'client', requestId: options.request ?? 'cancel-1' };
      case 'terminate':
        return { kind: 'terminate', reason: 'enough', identity: 'client' };
      case 'first-decision':
        return { kind: 'scheduleFirstDecision' };
      case 'child-started':
        return {
          kind: 'childStarted',
          initiatedId,
          runId: options.run ?? 'child-run',
          initiatedEvent: this.#initiated(options.initiated),
        };
      case 'child-start-failed':
        return { kind: 'childStartFailed', initiatedId, initiatedEvent: this.#initiated(options.initiated) };
      case 'child-closed':
        return {
          kind: 'childClosed',
          initiatedId,
          childWorkflowId: options.workflow ?? 'child',
          childRunId: options.run ?? 'child-run',
          closeEvent: {
            eventId: 9n,
            version: 0n,
            taskId: 0n,
            attributes: {
              $case: 'workflowExecutionCompletedEventAttributes',
              value: { result: payload('child-result'), decisionTaskCompletedEventId: 8n },
            },
          },
        };
      case 'external-canceled':
        return {
          kind: 'externalCancelDone',
          initiatedId,
          initiatedEvent: this.#initiated(options.initiated),
          ...(options.failed === undefined ? {} : { failed: 1 as const }),
        };
      case 'external-signaled':
        return {
          kind: 'externalSignalDone',
          initiatedId,
          initiatedEvent: this.#initiated(options.initiated),
          ...(options.failed === undefined ? {} : { failed: 1 as const }),
        };
      case 'sticky-unavailable':
        return { kind: 'clearStickiness', scheduleId: decision?.scheduleId ?? 0 };
      case 'reset-sticky':
        return { kind: 'resetStickyTaskList' };
      case 'refresh':
        return { kind: 'refreshTasks' };
      case 'reapply':
        return {
          kind: 'reapplySignals',
          events: [
            {
              eventId: BigInt(options.event ?? 7),
              version: 2n,
              taskId: 0n,
              attributes: {
                $case: 'workflowExecutionSignaledEventAttributes',
                value: { signalName: words[0] ?? '', input: undefined, identity: 'client', requestId: '' },
              },
            },
          ],
        };
      case 'failover':
        this.#failover();
        return { kind: 'refreshTasks' };
      default:
        throw new Error(`unknown command: ${verb}`);
    }
  }
}
