// Which run is executing, and the host's few services. One run executes at a time in a sandbox: the engine activates it,
// drains its microtasks and takes its outcome before it touches another, so one module variable is enough. The scope of
// cancellation follows async calls by the host's AsyncLocalStorage.
import type { WorkflowRun } from './workflow-run.ts';

/** What the host gives the sandbox. No function may return a promise: it would settle on the wrong queue. */
export interface HostBridge {
  /** The pending request as JSON. */
  take(): string;
  log(recordJson: string): void;
  runInScope<T>(scope: unknown, body: () => T): T;
  currentScope(): unknown;
}

let bridge: HostBridge | undefined;
let current: WorkflowRun | undefined;

export function installBridge(host: HostBridge): void {
  bridge = host;
}

export function hostBridge(): HostBridge {
  if (!bridge) throw new Error('this function works only in workflow code that a worker runs');
  return bridge;
}

export function enterRun(run: WorkflowRun | undefined): void {
  current = run;
}

export function findCurrentRun(): WorkflowRun | undefined {
  return current;
}

/** The executing run. Throws outside workflow code. */
export function currentRun(): WorkflowRun {
  if (!current) throw new Error('this function works only in workflow code that a worker runs');
  return current;
}
