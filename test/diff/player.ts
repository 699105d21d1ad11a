// What a scenario plays with: calls that are recorded, the parts of a client, a decision worker and an activity worker, and waiting that is
// not. Names it makes up start with a prefix of its own, so that scenarios run side by side and runs do not meet.
import { randomUUID } from 'node:crypto';
import type {
  Decision,
  HistoryEvent,
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  RespondDecisionTaskCompletedRequest,
  StartWorkflowExecutionRequest,
  TaskListKind,
} from '@antiphon/proto';
import { operationName, SERVICE_DEFINITIONS, type UnaryDefinition } from '#rpc';
import { seconds } from './messages.ts';
import type { Symbols } from './symbols.ts';
import { eventName, eventType, type Recorder } from './transcript.ts';
import type { CallOptions, Loose, Outcome, Wire } from './wire.ts';

export interface RunRef {
  readonly workflowId: string;
  readonly runId: string;
}

export interface PollOptions {
  readonly taskList?: string;
  readonly kind?: TaskListKind;
  readonly identity?: string;
  readonly domain?: string;
  readonly binaryChecksum?: string;
  /** Nothing is expected: the poll is short. */
  readonly isEmpty?: boolean;
  readonly step?: string;
}

export interface DecideOptions extends Loose<Omit<RespondDecisionTaskCompletedRequest, 'taskToken' | 'decisions'>> {
  readonly step?: string;
}

export interface Player {
  readonly domain: string;
  /** Calls whose outcome becomes a step. */
  readonly call: Wire;
  /** Calls that leave no trace, for waiting. */
  readonly quiet: Wire;
  /** A name of this scenario's own; reads as `~name`. */
  id(name: string): string;
  /** A new UUID that reads as `<name>`. */
  uuid(name: string): string;
  name(id: string, name: string): void;
  note(step: string, value: unknown): void;
  /** Records an outcome that was awaited elsewhere. */
  show(step: string, outcome: Outcome<unknown>): void;

  start(request?: Loose<StartWorkflowExecutionRequest>, step?: string): Promise<RunRef>;
  startRequest(request?: Loose<StartWorkflowExecutionRequest>): Loose<StartWorkflowExecutionRequest>;
  signal(run: RunRef, signalName: string, input?: string): Promise<void>;
  pollDecision(options?: PollOptions): Promise<PollForDecisionTaskResponse>;
  pollActivity(options?: PollOptions): Promise<PollForActivityTaskResponse>;
  decide(
    task: { readonly taskToken: Uint8Array },
    decisions: readonly Decision['attributes'][],
    options?: DecideOptions,
  ): Promise<PollForDecisionTaskResponse | undefined>;
  /** Polls a decision and answers it with these. */
  turn(decisions: readonly Decision['attributes'][], options?: PollOptions): Promise<PollForDecisionTaskResponse>;
  /** Records the whole history. */
  history(run: RunRef, step?: string): Promise<readonly HistoryEvent[]>;
  /** The events so far, unrecorded. */
  eventsOf(run: RunRef): Promise<readonly HistoryEvent[]>;
  describe(run: RunRef, step?: string): Promise<void>;
  /** Waits until the run has that many events of a type (`TimerFired`). */
  awaitEvent(run: RunRef, type: string, count?: number): Promise<HistoryEvent>;
  until(what: string, holds: () => Promise<boolean>): Promise<void>;
  sleep(ms: number): Promise<void>;
}

const NORMAL: TaskListKind = 1;
const WAIT_MS = 40_000;
const POLL_MS = 20_000;
const EMPTY_POLL_MS = 3_000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The scenario cannot go on: an answer it needs did not come. */
export class ScenarioStopped extends Error {}

export function createPlayer(options: {
  readonly wire: Wire;
  readonly domain: string;
  readonly prefix: string;
  readonly symbols: Symbols;
  readonly recorder: Recorder;
}): Player {
  const { wire, domain, prefix, symbols, recorder } = options;
  const call = recorded(wire, recorder);
  const id = (name: string): string => `${prefix}${name}`;
  const uuid = (name: string): string => {
    const value = randomUUID();
    symbols.name(value, name);
    return value;
  };
  const base = { domain, call, quiet: wire, id, uuid, name: symbols.name, note: recorder.note, sleep: wait };
  const waiting = waitingParts(wire, domain);
  const client = clientParts(base, recorder, waiting);
  const worker = workerParts(base, recorder);
  return { ...base, ...client, ...worker, ...waiting, show: (step, outcome) => recorder.outcome(step, outcome) };
}

type Base = Pick<Player, 'domain' | 'call' | 'quiet' | 'id' | 'uuid' | 'name' | 'note'>;

function recorded(wire: Wire, recorder: Recorder): Wire {
  const services: Record<string, Record<string, unknown>> = {};
  for (const [service, definitions] of Object.entries(SERVICE_DEFINITIONS)) {
    const methods: Record<string, unknown> = {};
    for (const [method, { path }] of Object.entries<UnaryDefinition>(definitions)) {
      const send = (wire[service as keyof Wire] as Record<string, unknown>)[method] as (
        request: unknown,
        callOptions?: CallOptions,
      ) => Promise<Outcome<unknown>>;
      methods[method] = async (request: unknown, callOptions?: CallOptions) => {
        const outcome = await send(request, callOptions);
        recorder.outcome(operationName(path), outcome);
        return outcome;
      };
    }
    services[service] = methods;
  }
  return services as unknown as Wire;
}

export function required<R>(step: string, { answer, error }: Outcome<R>): R {
  if (error !== undefined) throw new ScenarioStopped(`${step}: ${error.code} ${error.message}`);
  return answer;
}

type Waiting = Pick<Player, 'eventsOf' | 'awaitEvent' | 'until'>;

function waitingParts(wire: Wire, domain: string): Waiting {
  const parts: Waiting = {
    async eventsOf(run) {
      const events: HistoryEvent[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const outcome = await wire.workflow.getWorkflowExecutionHistory({
          domain,
          workflowExecution: run,
          nextPageToken,
        });
        const page = required('history', outcome);
        events.push(...(page.history?.events ?? []));
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0);
      return events;
    },
    async awaitEvent(run, type, count = 1) {
      let found: HistoryEvent | undefined;
      await parts.until(`${count} × ${type}`, async () => {
        const events = (await parts.eventsOf(run)).filter((event) => eventType(event) === type);
        found = events[count - 1];
        return found !== undefined;
      });
      return found as HistoryEvent; // until() threw otherwise.
    },
    async until(what, holds) {
      const untilMs = Date.now() + WAIT_MS;
      while (!(await holds())) {
        if (Date.now() > untilMs) throw new ScenarioStopped(`never came true: ${what}`);
        await wait(50);
      }
    },
  };
  return parts;
}

type ClientPart = 'start' | 'startRequest' | 'signal' | 'history' | 'describe';

function clientParts(
  { domain, quiet, id, uuid, name }: Base,
  recorder: Recorder,
  waiting: Waiting,
): Pick<Player, ClientPart> {
  let runs = 0;
  const startRequest: Player['startRequest'] = (request = {}) => ({
    domain,
    workflowId: id('wf'),
    workflowType: { name: 'Type' },
    taskList: { name: id('tl') },
    executionStartToCloseTimeout: seconds(60),
    taskStartToCloseTimeout: seconds(10),
    identity: 'starter',
    requestId: uuid(`start request ${runs + 1}`),
    ...request,
  });
  return {
    startRequest,
    async start(request = {}, step = 'StartWorkflowExecution') {
      const full = startRequest(request);
      const outcome = await quiet.workflow.startWorkflowExecution(full);
      runs++;
      if (outcome.answer !== undefined) name(outcome.answer.runId, `run ${runs}`);
      recorder.outcome(step, outcome);
      return { workflowId: full.workflowId ?? '', runId: required(step, outcome).runId };
    },
    async signal(run, signalName, input) {
      const outcome = await quiet.workflow.signalWorkflowExecution({
        domain,
        workflowExecution: run,
        signalName,
        identity: 'client',
        requestId: uuid(`signal request ${signalName}`),
        ...(input === undefined ? {} : { signalInput: { data: Buffer.from(input) } }),
      });
      recorder.outcome(`SignalWorkflowExecution ${signalName}`, outcome);
    },
    async history(run, step = 'history') {
      const events = await waiting.eventsOf(run);
      recorder.events(step, events);
      return events;
    },
    async describe(run, step = 'DescribeWorkflowExecution') {
      const outcome = await quiet.workflow.describeWorkflowExecution({ domain, workflowExecution: run });
      if (outcome.answer === undefined) return recorder.outcome(step, outcome);
      // What is pending comes in any order.
      const { pendingActivities, pendingChildren, ...rest } = outcome.answer;
      recorder.note(step, {
        ...rest,
        pendingActivities: pendingActivities.toSorted((a, b) => Number(a.scheduleId - b.scheduleId)),
        pendingChildren: pendingChildren.toSorted((a, b) => Number(a.initiatedId - b.initiatedId)),
      });
    },
  };
}

type WorkerPart = 'pollDecision' | 'pollActivity' | 'decide' | 'turn';

function workerParts({ domain, quiet, id }: Base, recorder: Recorder): Pick<Player, WorkerPart> {
  const request = (options: PollOptions) => ({
    domain: options.domain ?? domain,
    taskList: { name: options.taskList ?? id('tl'), kind: options.kind ?? NORMAL },
    identity: options.identity ?? 'worker',
  });
  const timeout = (options: PollOptions) => ({ timeoutMs: options.isEmpty ? EMPTY_POLL_MS : POLL_MS });
  const parts: Pick<Player, WorkerPart> = {
    async pollDecision(options = {}) {
      const outcome = await quiet.worker.pollForDecisionTask(
        { ...request(options), binaryChecksum: options.binaryChecksum ?? '' },
        timeout(options),
      );
      const task = required('PollForDecisionTask', outcome);
      if (task.taskToken.length === 0 && !options.isEmpty) throw new ScenarioStopped('no decision task came');
      const { history, ...rest } = task;
      const events = history?.events.map(eventName);
      recorder.note(options.step ?? 'PollForDecisionTask', { ...rest, backlogCountHint: 0n, events });
      return task;
    },
    async pollActivity(options = {}) {
      const task = required('poll', await quiet.worker.pollForActivityTask(request(options), timeout(options)));
      if (task.taskToken.length === 0 && !options.isEmpty) throw new ScenarioStopped('no activity task came');
      recorder.note(options.step ?? 'PollForActivityTask', task);
      return task;
    },
    async decide({ taskToken }, decisions, { step = 'RespondDecisionTaskCompleted', ...options } = {}) {
      const outcome = await quiet.worker.respondDecisionTaskCompleted({
        taskToken,
        identity: 'worker',
        decisions: decisions.map((attributes) => ({ attributes })),
        ...options,
      });
      const next = outcome.answer?.decisionTask;
      if (outcome.answer === undefined || next === undefined) recorder.outcome(step, outcome);
      else {
        const { history, ...rest } = next;
        const decisionTask = { ...rest, backlogCountHint: 0n, events: history?.events.map(eventName) };
        recorder.note(step, { ...outcome.answer, decisionTask });
      }
      return next;
    },
    async turn(decisions, options = {}) {
      const task = await parts.pollDecision(options);
      await parts.decide(task, decisions);
      return task;
    },
  };
  return parts;
}
