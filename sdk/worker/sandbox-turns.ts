// Turns of runs in the sandbox, one after another. What waits is taken together under one watchdog, because arming it costs a
// thread: the busier the worker, the more turns share one. Node reports rejections that workflow code left unhandled only after
// the microtasks, so the turns of a group are settled one macrotask later.
// Invariants: each turn has nearly the whole watchdog time to itself; a turn that is stopped fails alone; rejections of the
// host keep the meaning they would have without a worker in the process.
import { setImmediate as nextMacrotask } from 'node:timers/promises';
import type { Sandbox } from './sandbox-host.ts';
import { WorkflowCodeError } from './workflow-engine.ts';

export interface SandboxTurns {
  /** Runs the body, which drives the given run; throws what it threw, and what workflow code left unhandled. */
  take<T>(run: string, body: () => T): Promise<T>;
  /** Stops listening to the process. */
  close(): void;
}

interface Turn {
  readonly run: string;
  readonly body: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}
type Result = { readonly value: unknown } | { readonly error: unknown };

interface Rejection {
  readonly reason: unknown;
  /** Undefined when the rejected promise cannot be traced to its run. */
  readonly run: string | undefined;
}

const OURS = Symbol.for('antiphon.sandboxRejections');
/** A group takes no further turn when this share of the watchdog time is used. */
const GROUP_SHARE = 0.1;

/** Without other listeners Node would end the process; the first of ours stands in for that. */
function standsForDefault(listener: object): boolean {
  const listeners = process.listeners('unhandledRejection');
  return listeners[0] === listener && listeners.every((each) => OURS in each);
}

function listen(sandbox: Sandbox, onRejection: (rejection: Rejection) => void): () => void {
  const listener = (reason: unknown, promise: unknown): void => {
    if (sandbox.owns(promise)) onRejection({ reason, run: sandbox.runOfContext() });
    else if (promise instanceof Promise && standsForDefault(listener)) throw reason;
  };
  Object.defineProperty(listener, OURS, { value: true });
  process.on('unhandledRejection', listener);
  return () => {
    process.off('unhandledRejection', listener);
  };
}

/** Runs as many of the turns as fit; the results are those of the first ones. */
function runGroup(sandbox: Sandbox, turns: readonly Turn[]): Result[] {
  const results: Result[] = [];
  const stopAt = performance.now() + sandbox.watchdogMs * GROUP_SHARE;
  try {
    sandbox.guard(() => {
      for (const turn of turns) {
        try {
          results.push({ value: turn.body() });
        } catch (error) {
          results.push({ error });
        }
        if (performance.now() > stopAt) return;
      }
    });
  } catch (error) {
    // The watchdog's stop passes every catch: it belongs to the turn that has no result yet.
    results.push({ error });
  }
  return results;
}

export function createSandboxTurns(sandbox: Sandbox): SandboxTurns {
  let waiting: Turn[] = [];
  let rejections: Rejection[] = [];
  let isRunning = false;
  const close = listen(sandbox, (rejection) => rejections.push(rejection));

  const settle = (turn: Turn, result: Result): void => {
    const rejection = rejections.find(({ run }) => run === undefined || run === turn.run);
    if ('error' in result) turn.reject(result.error);
    else if (!rejection) turn.resolve(result.value);
    else {
      const { name = 'Error', message = String(rejection.reason), stack } = (rejection.reason ?? {}) as Partial<Error>;
      const text = `unhandled rejection in workflow code: ${name}: ${message}`;
      turn.reject(new WorkflowCodeError(text, sandbox.mapPositions(stack ?? '')));
    }
  };
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      rejections = [];
      const results = runGroup(sandbox, group);
      await nextMacrotask();
      results.forEach((result, index) => {
        const turn = group[index];
        if (turn) settle(turn, result);
      });
      waiting = [...group.slice(results.length), ...waiting];
    }
    isRunning = false;
  };
  return {
    take: <T>(run: string, body: () => T): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        // The queue holds turns of all kinds; each resolve gets what its own body returned.
        waiting.push({ run, body, resolve: resolve as (value: unknown) => void, reject });
        if (isRunning) return;
        isRunning = true;
        // Tasks that arrive in the same moment share the group.
        setImmediate(() => drain().catch(reject));
      }),
    close,
  };
}
