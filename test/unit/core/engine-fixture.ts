// A run of the engine for tests: keeps the state and the history, checks after every command that the state given stayed as it was and
// that the history is dense, and offers the few requests that most tests send.

import {
  type Decision,
  type HistoryEvent,
  StartWorkflowExecutionRequest,
  type WorkflowExecutionStartedEventAttributes,
} from '@antiphon/proto';
import type { TimerTask } from '@antiphon/proto/internal';
import { expect } from 'vitest';
import {
  type Command,
  type CommandKind,
  type CommandReplies,
  type CreateWorkflow,
  createWorkflow,
  DEFAULT_LIMITS,
  type DecideContext,
  type DomainView,
  decide,
  type EventBatch,
  encodeState,
  type Limits,
  type RunTransition,
  type SearchAttributeRules,
  type Transition,
  type WorkflowState,
} from '#core';

export const LOCAL_DOMAIN: DomainView = {
  id: 'domain-id',
  name: 'shop',
  isGlobal: false,
  clusters: ['a'],
  activeCluster: 'a',
  failoverVersion: -24,
  isDeprecated: false,
  retentionDays: 1,
  retentionMs: 86_400_000,
  archivesHistory: false,
  archivesVisibility: false,
  archivalDelayMs: 0,
  data: {},
  badBinaries: new Set(),
  isActiveHere: true,
};

export const GLOBAL_DOMAIN: DomainView = {
  ...LOCAL_DOMAIN,
  isGlobal: true,
  clusters: ['a', 'b'],
  failoverVersion: 1,
};

export const CLUSTERS: DecideContext['clusters'] = {
  currentCluster: 'a',
  primaryCluster: 'a',
  failoverVersionIncrement: 10,
  clusters: {
    a: { enabled: true, initialFailoverVersion: 1, rpcAddress: '' },
    b: { enabled: true, initialFailoverVersion: 2, rpcAddress: 'b:7833' },
  },
};

export const START_MS = 1_700_000_000_000;

/** Every attribute is there, with values of any type; one is the service's own. */
const SEARCH_ATTRIBUTES: SearchAttributeRules = {
  find: (key) => ({ isSystem: key === 'StartTime', isValue: () => true }),
};

/** A context whose ids and clock the test moves. */
export class World {
  nowMs = START_MS;
  domain: DomainView;
  limits: Limits = DEFAULT_LIMITS;
  clusters = CLUSTERS;
  startedEvent: WorkflowExecutionStartedEventAttributes | undefined;
  randomValue = 0;
  #uuids = 0;
  #taskIds = 0;

  constructor(domain: DomainView = LOCAL_DOMAIN) {
    this.domain = domain;
  }

  context(): DecideContext {
    return {
      nowMs: this.nowMs,
      domain: this.domain,
      clusters: this.clusters,
      limits: this.limits,
      uuid: () => `uuid-${++this.#uuids}`,
      random: () => this.randomValue,
      nextTaskId: () => ++this.#taskIds,
      startedEvent: this.startedEvent,
      searchAttributes: SEARCH_ATTRIBUTES,
    };
  }
}

export const startRequest = (fields: Partial<StartWorkflowExecutionRequest> = {}): StartWorkflowExecutionRequest => ({
  ...StartWorkflowExecutionRequest.fromPartial({
    domain: 'shop',
    workflowId: 'order',
    workflowType: { name: 'Order' },
    taskList: { name: 'orders' },
    executionStartToCloseTimeout: { seconds: 3600n },
    taskStartToCloseTimeout: { seconds: 10n },
    requestId: 'start-request',
    identity: 'client',
  }),
  ...fields,
});

export const NEW_RUN: Omit<CreateWorkflow, 'request'> = { runId: 'run-1', firstDecisionBackoffSeconds: 0 };

/** One run, driven by commands. */
export class TestRun {
  readonly world: World;
  state: WorkflowState;
  readonly history: HistoryEvent[] = [];
  readonly batches: EventBatch[] = [];
  last: RunTransition;
  lastTransition: Transition<unknown> | undefined;
  #requests = 0;

  constructor(world: World, first: RunTransition) {
    this.world = world;
    this.state = first.state;
    this.last = first;
    this.take(first);
  }

  static start(world: World, create: Partial<CreateWorkflow> = {}): TestRun {
    const command = { ...NEW_RUN, request: startRequest(), ...create };
    return new TestRun(world, createWorkflow(command, world.context()));
  }

  take(run: RunTransition): void {
    this.last = run;
    this.state = run.state;
    for (const batch of run.batches) {
      this.batches.push(batch);
      this.history.push(...batch.events);
    }
    for (const [at, event] of this.history.entries()) expect(Number(event.eventId)).toBe(at + 1);
    expect(this.state.info.nextEventId).toBe(this.history.length + 1);
  }

  send<K extends CommandKind>(command: Command<K>): CommandReplies[K] {
    const before = encodeState(this.state);
    const started = this.history[0]?.attributes;
    if (started?.$case === 'workflowExecutionStartedEventAttributes') this.world.startedEvent = started.value;
    const given = this.state;
    const transition = decide(given, command, this.world.context());
    expect(Buffer.from(encodeState(given)).equals(Buffer.from(before))).toBe(true);
    this.lastTransition = transition;
    this.take(transition.run);
    return transition.reply;
  }

  /** Names of the events of the last command. */
  get written(): string[] {
    return this.last.batches.flatMap((batch) => batch.events.map(eventName));
  }

  get transfers(): string[] {
    return this.last.tasks.transfer.map((task) => task.work?.$case ?? '');
  }

  get timers(): string[] {
    return this.last.tasks.timer.map((task) => `${task.work?.$case}+${(task.fireTimeMs - this.world.nowMs) / 1000}s`);
  }

  pollDecision() {
    const { decision } = this.state.info;
    return this.send({
      kind: 'recordDecisionTaskStarted',
      scheduleId: decision?.scheduleId ?? 0,
      requestId: `poll-${++this.#requests}`,
      identity: 'worker',
    });
  }

  complete(
    decisions: readonly NonNullable<Decision['attributes']>[],
    more: Partial<Command<'respondDecisionTaskCompleted'>> = {},
  ) {
    const { decision } = this.state.info;
    return this.send({
      kind: 'respondDecisionTaskCompleted',
      scheduleId: decision?.scheduleId ?? 0,
      attempt: decision?.attempt ?? 0,
      decisions: decisions.map((attributes) => ({ attributes })),
      executionContext: new Uint8Array(0),
      identity: 'worker',
      binaryChecksum: '',
      returnNewDecisionTask: false,
      forceCreateNewDecisionTask: false,
      client: { impl: 'uber-go', featureVersion: '1.7.0', libraryVersion: '1.3.0' },
      findDomain: () => undefined,
      ...more,
    });
  }

  /** A decision that is picked up and completed. */
  step(
    decisions: readonly NonNullable<Decision['attributes']>[] = [],
    more: Partial<Command<'respondDecisionTaskCompleted'>> = {},
  ) {
    this.pollDecision();
    return this.complete(decisions, more);
  }

  signal(signalName: string, requestId = '') {
    return this.send({ kind: 'signal', signalName, identity: 'client', requestId });
  }

  fire(task: TimerTask | undefined) {
    if (task === undefined) throw new Error('no such timer task');
    this.world.nowMs = Math.max(this.world.nowMs, task.fireTimeMs);
    return this.send({ kind: 'fireTimer', task });
  }

  /** The last timer task of that kind that the last command made. */
  timerTask(work: string): TimerTask | undefined {
    return this.last.tasks.timer.findLast((task) => task.work?.$case === work);
  }
}

export const eventName = (event: HistoryEvent): string => {
  const name = event.attributes?.$case.replace('EventAttributes', '') ?? '';
  return name.charAt(0).toUpperCase() + name.slice(1);
};

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const payload = (text: string) => ({ data: bytes(text) });

export const scheduleActivity = (activityId: string, fields: object = {}) =>
  ({
    $case: 'scheduleActivityTaskDecisionAttributes',
    value: {
      activityId,
      activityType: { name: 'Pay' },
      domain: '',
      taskList: { name: 'activities', kind: 1, baseName: '' },
      input: undefined,
      scheduleToCloseTimeout: { seconds: 60n, nanos: 0 },
      scheduleToStartTimeout: undefined,
      startToCloseTimeout: undefined,
      heartbeatTimeout: undefined,
      retryPolicy: undefined,
      header: undefined,
      requestLocalDispatch: false,
      ...fields,
    },
  }) as const;

export const startTimer = (timerId: string, seconds: number) =>
  ({
    $case: 'startTimerDecisionAttributes',
    value: { timerId, startToFireTimeout: { seconds: BigInt(seconds), nanos: 0 } },
  }) as const;

export const completeWorkflow = (result?: string) =>
  ({
    $case: 'completeWorkflowExecutionDecisionAttributes',
    value: { result: result === undefined ? undefined : payload(result) },
  }) as const;
