// Feeds one activation to a run: applies what happened in event order without running workflow code, then lets microtasks
// run it; afterwards conditions are tested until none becomes true.
// Invariant: the reaction to each event is queued in event order, so completions and signals interleave as in history.
import { findDefinedName } from '../common/index.ts';
import { hostBridge } from './current-run.ts';
import { receiveSignal } from './messages.ts';
import type { Activation, Job, Outcome, QueryOutcome, WirePayload } from './protocol.ts';
import { createRandom } from './random.ts';
import { settleRun } from './settle-run.ts';
import { readArguments, wireResult } from './wire-payload.ts';
import { log } from './workflow-info.ts';
import type { WorkflowRun } from './workflow-run.ts';

type Main = (...args: unknown[]) => Promise<unknown>;
export type WorkflowExports = Readonly<Record<string, unknown>>;

/** The workflow types of a bundle: exported functions, under their defined or export name. */
export function workflowsOf(exports: WorkflowExports): Map<string, Main> {
  const workflows = new Map<string, Main>();
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value !== 'function') continue;
    workflows.set(findDefinedName(value) ?? name, value as Main);
  }
  return workflows;
}

function startMain(run: WorkflowRun, exports: WorkflowExports, input: WirePayload): void {
  const workflows = workflowsOf(exports);
  const main = workflows.get(run.info.workflowType);
  if (!main) {
    const known = [...workflows.keys()].sort().join(', ');
    run.failTask(
      new Error(`workflow type "${run.info.workflowType}" is not in this worker's bundle, which has: ${known}`),
    );
    return;
  }
  void Promise.resolve()
    .then(() => hostBridge().runInScope(run.rootScope, () => main(...readArguments(input))))
    .then((result) => run.close({ kind: 'complete', result: wireResult(result) }))
    .catch((error: unknown) => settleRun(run, error));
}

function applyJob(run: WorkflowRun, job: Job, exports: WorkflowExports): void {
  switch (job.kind) {
    case 'start':
      startMain(run, exports, job.input);
      return;
    case 'signal':
      receiveSignal(run, job.name, job.input);
      return;
    case 'cancel':
      void Promise.resolve().then(() => run.rootScope.cancel(job.cause || 'cancel requested'));
      return;
    case 'reseed':
      run.random = createRandom(job.seed);
      return;
    case 'childStarted':
      run.pending.get(job.id)?.started?.(job.runId);
      return;
    case 'resolve':
    case 'reject': {
      const pending = run.pending.get(job.id);
      // A call that was cancelled is settled already; its late outcome is of no use.
      if (!pending) return;
      run.pending.delete(job.id);
      if (job.kind === 'resolve') pending.resolve(job.result);
      else pending.reject(job.rejection);
    }
  }
}

export function activate(run: WorkflowRun, activation: Activation, exports: WorkflowExports): void {
  run.begin(activation);
  for (const job of activation.jobs) applyJob(run, job, exports);
}

/** A signal that nobody handled before the end is most likely a mistake. */
function warnOfUnhandledSignals(run: WorkflowRun): void {
  if (!run.closed || run.bufferedSignals.size === 0) return;
  log.warn('workflow has unhandled signals', { signals: [...run.bufferedSignals.keys()] });
  run.bufferedSignals.clear();
}

/** Undefined when a condition became true, and microtasks must run again. */
export function settle(run: WorkflowRun): Outcome | undefined {
  let progressed = false;
  for (const pending of [...run.conditions]) {
    if (run.closed || run.taskFailure) break;
    try {
      if (!pending.test()) continue;
      pending.resolve();
    } catch (error) {
      pending.reject(error);
    }
    run.conditions.delete(pending);
    progressed = true;
  }
  if (progressed) return undefined;
  warnOfUnhandledSignals(run);
  return { commands: run.takeCommands(), taskFailure: run.taskFailure ?? null, closed: run.closed };
}

function stackTrace(run: WorkflowRun): string {
  const entries = [
    ...[...run.pending.values()].map(({ what, at }) => ({ what, at })),
    ...[...run.conditions].map(({ at }) => ({ what: 'a condition', at })),
  ];
  if (entries.length === 0)
    return run.closed ? 'the workflow is closed' : 'the workflow waits for nothing it asked for';
  const frames = (stack = '') =>
    stack
      .split('\n')
      .filter((frame) => frame.includes('workflows.js'))
      .join('\n');
  return entries.map(({ what, at }) => `waiting for ${what}\n${frames(at.stack)}`).join('\n\n');
}

const BUILT_IN_QUERIES = ['__stack_trace', '__query_types'];

export function answerQuery(run: WorkflowRun, name: string, args: WirePayload): QueryOutcome {
  const { random } = run;
  run.readOnly = true;
  // Numbers that a query draws must not be missing from the run's sequence.
  run.random = createRandom('query');
  try {
    if (name === '__stack_trace') return { ok: true, result: wireResult(stackTrace(run)) };
    const known = [...BUILT_IN_QUERIES, ...run.queryHandlers.keys()];
    if (name === '__query_types') return { ok: true, result: wireResult(known) };
    const handler = run.queryHandlers.get(name);
    if (!handler) return { ok: false, message: `unknown queryType ${name}. KnownQueryTypes=[${known.join(' ')}]` };
    const result = (handler as (...args: unknown[]) => unknown)(...readArguments(args));
    if (result instanceof Promise) {
      result.catch(() => undefined);
      return { ok: false, message: `query handler ${name} is asynchronous; a query must answer at once` };
    }
    return { ok: true, result: wireResult(result) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  } finally {
    run.readOnly = false;
    run.random = random;
  }
}
