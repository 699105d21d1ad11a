// One run's turn in the sandbox at a time, and the rejections it leaves unhandled. Node reports an unhandled rejection after
// the turn's microtasks, so a turn ends only one macrotask later: then every report belongs to the run whose turn it is.
// Invariant: rejections of the host keep the meaning they would have without a worker in the process.
import { setImmediate as nextMacrotask } from 'node:timers/promises';
import type { Sandbox } from './sandbox-host.ts';
import { WorkflowCodeError } from './workflow-engine.ts';

export interface SandboxTurns {
  /** Runs the body under the watchdog, alone; throws what workflow code left unhandled. */
  run<T>(body: () => T): Promise<T>;
  /** Stops listening to the process. */
  close(): void;
}

const OURS = Symbol.for('antiphon.sandboxRejections');

/** Without other listeners Node would end the process; the first of ours stands in for that. */
function standsForDefault(listener: object): boolean {
  const listeners = process.listeners('unhandledRejection');
  return listeners[0] === listener && listeners.every((each) => OURS in each);
}

function listen(sandbox: Sandbox, onRejection: (reason: unknown) => void): () => void {
  const listener = (reason: unknown, promise: unknown): void => {
    if (sandbox.owns(promise)) onRejection(reason);
    else if (promise instanceof Promise && standsForDefault(listener)) throw reason;
  };
  Object.defineProperty(listener, OURS, { value: true });
  process.on('unhandledRejection', listener);
  return () => {
    process.off('unhandledRejection', listener);
  };
}

export function createSandboxTurns(sandbox: Sandbox): SandboxTurns {
  let last: Promise<unknown> = Promise.resolve();
  let unhandled: unknown[] = [];
  const close = listen(sandbox, (reason) => unhandled.push(reason));

  const turn = async <T>(body: () => T): Promise<T> => {
    unhandled = [];
    const result = sandbox.guard(body);
    await nextMacrotask();
    const [first] = unhandled;
    if (unhandled.length === 0) return result;
    const { name = 'Error', message = String(first), stack } = (first ?? {}) as Partial<Error>;
    throw new WorkflowCodeError(
      `unhandled rejection in workflow code: ${name}: ${message}`,
      sandbox.mapPositions(stack ?? ''),
    );
  };
  return {
    run: (body) => {
      const mine = last.then(() => turn(body));
      last = mine.catch(() => undefined);
      return mine;
    },
    close,
  };
}
