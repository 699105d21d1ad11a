// One run's state inside the sandbox: its sequence counter, what it waits for, its handlers, and the commands it issued in
// the present activation. The API functions change it; the activator feeds it.
// Invariants: ids come from one counter in call order; commands keep the order in which workflow code issued them; after the
// close command nothing is added.
import { CancellationScope } from './cancellation-scope.ts';
import type { Activation, Command, Rejection, RunInfo, TaskFailure, WirePayload } from './protocol.ts';
import { createRandom, type SeededRandom } from './random.ts';

/** Something that an event will settle. */
export interface PendingCall {
  /** For the stack trace query: `activity charge`, `timer 60 s`. */
  readonly what: string;
  readonly at: { readonly stack?: string };
  resolve(result: WirePayload): void;
  reject(rejection: Rejection): void;
  /** A child's start is acknowledged before its result. */
  started?(runId: string): void;
}

export interface PendingCondition {
  readonly test: () => boolean;
  readonly at: { readonly stack?: string };
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export type SignalHandler = (...args: never[]) => void | Promise<void>;
export type QueryHandler = (...args: never[]) => unknown;

type StackCapture = (target: object, below?: unknown) => void;

/** A stack that is formatted only when somebody reads it. */
export function captureStack(below: unknown): { readonly stack?: string } {
  const holder = {};
  (Error as unknown as { captureStackTrace: StackCapture }).captureStackTrace(holder, below);
  return holder;
}

export class WorkflowRun {
  readonly info: RunInfo;
  readonly rootScope: CancellationScope;
  readonly pending = new Map<string, PendingCall>();
  readonly conditions = new Set<PendingCondition>();
  readonly signalHandlers = new Map<string, SignalHandler>();
  readonly queryHandlers = new Map<string, QueryHandler>();
  readonly bufferedSignals = new Map<string, WirePayload[]>();
  readonly sideEffects = new Map<string, WirePayload>();
  readonly versions = new Map<string, number>();
  /** Recorded values by `id#access`, and the present value by id. */
  readonly mutableRecorded = new Map<string, WirePayload>();
  readonly mutableValues = new Map<string, { access: number; value: string | undefined }>();
  readonly searchAttributes: Map<string, string>;
  random: SeededRandom;
  nowMs: number;
  replaying = false;
  historyLength = 0;
  /** While a query runs, commands are refused. */
  readOnly = false;
  taskFailure: TaskFailure | undefined;
  closed = false;
  /** As in Go: every error fails the workflow, not only Failures. */
  readonly failsOnAnyError: boolean;
  #sequence = 0;
  #commands: Command[] = [];

  constructor(info: RunInfo, nowMs: number, failsOnAnyError: boolean) {
    this.info = info;
    this.failsOnAnyError = failsOnAnyError;
    this.nowMs = nowMs;
    this.random = createRandom(info.originalRunId);
    this.rootScope = new CancellationScope({ cancellable: true, root: true });
    this.searchAttributes = new Map(
      Object.entries(info.searchAttributes).map(([name, value]) => [name, typeof value === 'string' ? value : 'null']),
    );
  }

  /** Applies what holds for the whole activation: time, and the markers of the decision it replays. */
  begin(activation: Activation): void {
    this.nowMs = Math.max(this.nowMs, activation.nowMs);
    this.replaying = activation.replaying;
    this.historyLength = activation.historyLength;
    for (const [id, value] of Object.entries(activation.sideEffects)) this.sideEffects.set(id, value);
    for (const [id, version] of Object.entries(activation.versions)) this.versions.set(id, version);
    for (const [key, value] of Object.entries(activation.mutableSideEffects)) this.mutableRecorded.set(key, value);
  }

  nextId(): string {
    if (this.readOnly) throw new Error('a query handler must not change the workflow');
    return String(this.#sequence++);
  }

  issue(command: Command): void {
    if (this.readOnly) throw new Error('a query handler must not change the workflow');
    if (!this.closed) this.#commands.push(command);
  }

  /** The last command: completes, fails, cancels or continues the run. */
  close(command: Command): void {
    if (this.closed) return;
    this.issue(command);
    this.closed = true;
  }

  failTask(error: unknown): void {
    if (this.taskFailure) return;
    const isError = typeof error === 'object' && error !== null && 'message' in error;
    const { name, message, stack } = isError ? (error as Error) : { name: 'Error', message: String(error), stack: '' };
    this.taskFailure = { message: `${name}: ${message}`, stack: stack ?? '' };
  }

  takeCommands(): Command[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }
}
