// One run's turn in the sandbox at a time, and the rejections it leaves unhandled. Node reports an unhandled rejection after
// the turn's microtasks, so a turn ends only one macrotask later: then every report belongs to the run whose turn it is.
import { setImmediate as nextMacrotask } from 'node:timers/promises';
import type { Sandbox } from './sandbox-host.ts';
import { WorkflowCodeError } from './workflow-engine.ts';

export interface SandboxTurns {
  /** Runs the body under the watchdog, alone; throws what workflow code left unhandled. */
  run<T>(body: () => T): Promise<T>;
  /** Stops listening to the process. */
  close(): void;
}

export function createSandboxTurns(sandbox: Sandbox): SandboxTurns {
  let last: Promise<unknown> = Promise.resolve();
  let unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown, promise: unknown): void => {
    if (sandbox.owns(promise)) unhandled.push(reason);
    // Being the only listener must not change what Node does about the host's own rejections.
    else if (process.listenerCount('unhandledRejection') === 1) throw reason;
  };
  process.on('unhandledRejection', onUnhandled);

  const turn = async <T>(body: () => T): Promise<T> => {
    unhandled = [];
    const result = sandbox.guard(body);
    await nextMacrotask();
    const [first] = unhandled;
    if (unhandled.length === 0) return result;
    const { name = 'Error', message = String(first), stack } = (first ?? {}) as Partial<Error>;
    const error = new WorkflowCodeError(`unhandled rejection in workflow code: ${name}: ${message}`);
    if (stack) error.stack = stack;
    throw error;
  };
  return {
    run: (body) => {
      const mine = last.then(() => turn(body));
      last = mine.catch(() => undefined);
      return mine;
    },
    close: () => {
      process.off('unhandledRejection', onUnhandled);
    },
  };
}
