// The host side of the sandbox: one vm context for all runs of a worker, with microtasks of its own that are drained before
// an evaluation returns. Everything enters as a script in the context and crosses as JSON.
// Invariants: no promise of the sandbox is awaited here; a run that does not yield is stopped by the watchdog and must be
// disposed of by the caller; one request is handled at a time, synchronously.
import { AsyncLocalStorage } from 'node:async_hooks';
import inspector from 'node:inspector';
import vm from 'node:vm';
import type {
  Activation,
  LogRecord,
  Outcome,
  QueryOutcome,
  SandboxRequest,
  WirePayload,
} from '../workflow/protocol.ts';
import { watchAsyncStack } from './async-stack-repair.ts';
import { createPositionMapper, USER_SCRIPT } from './source-positions.ts';
import type { WorkflowBundle } from './workflow-bundle.ts';
import { RUNTIME_NAME } from './workflow-bundle.ts';

export interface SandboxOptions {
  readonly bundle: WorkflowBundle;
  readonly onLog: (record: LogRecord) => void;
  /** Longest time that one decision task may compute. */
  readonly watchdogMs?: number;
  readonly failsOnAnyError?: boolean;
}

export interface Sandbox {
  /** Workflow types that the bundle exports. */
  workflowTypes(): string[];
  /** Applies an activation and runs workflow code until it waits for events. */
  activate(run: string, activation: Activation): Outcome;
  query(run: string, name: string, args: WirePayload): QueryOutcome;
  dispose(run: string): void;
  readonly watchdogMs: number;
  /** Runs the body; workflow code in it is stopped when it takes longer than the watchdog allows. */
  guard<T>(body: () => T): T;
  /** A stack with positions in the sources instead of the bundle. */
  mapPositions(stack: string): string;
  /** The run whose workflow code made the present async context, in a callback about one of its promises. */
  runOfContext(): string | undefined;
  /** True when the value comes from this sandbox's realm. */
  owns(promise: unknown): boolean;
}

const BOOTSTRAP = `(function (runtime, factory) {
  const module = { exports: {} };
  runtime(module, module.exports);
  return function (bridge, failsOnAnyError) {
    const dispatch = module.exports.startSandbox(bridge, factory, failsOnAnyError);
    Object.defineProperty(globalThis, '__antiphon_dispatch__', { value: dispatch });
  };
})`;

type Bootstrap = (runtime: unknown, factory: unknown) => (bridge: object, failsOnAnyError: boolean) => void;
const GUARDED = Symbol.for('antiphon.guarded');
const guardScript = new vm.Script(`globalThis[Symbol.for('antiphon.guarded')]()`, { filename: 'antiphon-guard.js' });

/** Runs the body under a deadline that also stops code of other contexts and their microtask loops. */
function runGuarded<T>(body: () => T, timeoutMs: number): T {
  let result: { value: T } | undefined;
  const holder = globalThis as unknown as Record<symbol, unknown>;
  const outer = holder[GUARDED];
  const repairAsyncStack = watchAsyncStack();
  holder[GUARDED] = () => {
    result = { value: body() };
  };
  try {
    // A debugger may hold workflow code as long as it likes.
    const limit = inspector.url() === undefined ? { timeout: timeoutMs } : {};
    guardScript.runInThisContext({ ...limit, displayErrors: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    repairAsyncStack();
    throw new Error(`workflow code did not yield within ${timeoutMs} ms`, { cause: error });
  } finally {
    holder[GUARDED] = outer;
  }
  if (!result) throw new Error('the guarded body did not finish');
  return result.value;
}

function createContext(bundle: WorkflowBundle): { context: vm.Context; start: ReturnType<Bootstrap> } {
  const context = vm.createContext(
    {},
    { name: 'antiphon-workflows', microtaskMode: 'afterEvaluate', codeGeneration: { strings: false, wasm: false } },
  );
  const evaluate = (code: string, filename: string): unknown => new vm.Script(code, { filename }).runInContext(context);
  const runtime = evaluate(`(function (module, exports) {\n${bundle.runtimeCode}\n})`, `${RUNTIME_NAME}.js`);
  // On the first line, so that line numbers in stacks are those of the bundle.
  const factory = evaluate(
    `(function (module, exports, require, globalThis) { 'use strict'; ${bundle.userCode}\n})`,
    USER_SCRIPT,
  );
  const bootstrap = evaluate(BOOTSTRAP, `${RUNTIME_NAME}-bootstrap.js`) as Bootstrap;
  return { context, start: bootstrap(runtime, factory) };
}

/** Sandbox errors belong to the other realm; hand on one of ours with the same text. */
function toHostError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { name = 'Error', message = String(error), stack } = (error ?? {}) as Partial<Error>;
  const own = new Error(`${name}: ${message}`);
  if (stack) own.stack = stack;
  return own;
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const { context, start } = createContext(options.bundle);
  const scopes = new AsyncLocalStorage<{ readonly run: string; readonly scope: unknown }>();
  const mapPositions = createPositionMapper(options.bundle.sourceMap);
  const watchdogMs = options.watchdogMs ?? 5000;
  let pending = '';
  let activeRun = '';
  const bridge = {
    take: () => pending,
    log: (record: string) => options.onLog(JSON.parse(record) as LogRecord),
    runInScope: <T>(scope: unknown, body: () => T): T => scopes.run({ run: activeRun, scope }, body),
    currentScope: () => scopes.getStore()?.scope,
  };
  start(bridge, options.failsOnAnyError ?? false);
  const dispatch = new vm.Script('__antiphon_dispatch__()', { filename: `${RUNTIME_NAME}-dispatch.js` });
  const realmPromise = vm.runInContext('Promise', context) as typeof Promise;

  const request = (message: SandboxRequest): unknown => {
    pending = JSON.stringify(message);
    try {
      return JSON.parse(dispatch.runInContext(context, { displayErrors: false }) as string);
    } catch (error) {
      throw toHostError(error);
    }
  };
  return {
    workflowTypes: () => request({ op: 'types' }) as string[],
    activate: (run, activation) => {
      activeRun = run;
      request({ op: 'activate', run, activation });
      for (;;) {
        const outcome = request({ op: 'settle' }) as Outcome | null;
        if (outcome) return outcome;
      }
    },
    query: (run, name, args) => {
      activeRun = run;
      const outcome = request({ op: 'query', run, name, args }) as QueryOutcome;
      if (name !== '__stack_trace' || !outcome.ok || typeof outcome.result !== 'string') return outcome;
      return { ok: true, result: mapPositions(outcome.result) };
    },
    mapPositions,
    dispose: (run) => {
      request({ op: 'dispose', run });
    },
    watchdogMs,
    guard: (body) => runGuarded(body, watchdogMs),
    runOfContext: () => scopes.getStore()?.run,
    owns: (promise) => promise instanceof realmPromise,
  };
}
