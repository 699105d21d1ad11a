// Signals and queries of a run. Signals that arrive before their handler are kept and delivered, in order, when it is set;
// queries read state and must neither wait nor change anything.
import type { QueryDefinition, SignalDefinition } from '../common/index.ts';
import { currentRun, hostBridge } from './current-run.ts';
import type { WirePayload } from './protocol.ts';
import { settleRun } from './settle-run.ts';
import { readArguments } from './wire-payload.ts';
import type { QueryHandler, SignalHandler, WorkflowRun } from './workflow-run.ts';

function callHandler(run: WorkflowRun, handler: SignalHandler, input: WirePayload): void {
  try {
    const body = () => (handler as (...args: unknown[]) => unknown)(...readArguments(input));
    const result = hostBridge().runInScope(run.rootScope, body);
    if (result instanceof Promise) result.catch((error: unknown) => settleRun(run, error));
  } catch (error) {
    settleRun(run, error);
  }
}

export function receiveSignal(run: WorkflowRun, name: string, input: WirePayload): void {
  // The handler is looked up when the signal's turn comes: code that ran before it in this activation may have set it.
  void Promise.resolve().then(() => {
    const handler = run.signalHandlers.get(name);
    if (handler) return callHandler(run, handler, input);
    const waiting = run.bufferedSignals.get(name) ?? [];
    waiting.push(input);
    run.bufferedSignals.set(name, waiting);
  });
}

/** Handles a signal or a query. A later handler replaces an earlier one. */
export function setHandler<Args extends readonly unknown[]>(
  definition: SignalDefinition<Args>,
  handler: (...args: Args) => void | Promise<void>,
): void;
export function setHandler<Result, Args extends readonly unknown[]>(
  definition: QueryDefinition<Result, Args>,
  handler: (...args: Args) => Result,
): void;
export function setHandler(definition: SignalDefinition | QueryDefinition, handler: unknown): void {
  const run = currentRun();
  if (definition.kind === 'query') {
    run.queryHandlers.set(definition.name, handler as QueryHandler);
    return;
  }
  const signalHandler = handler as SignalHandler;
  run.signalHandlers.set(definition.name, signalHandler);
  const waiting = run.bufferedSignals.get(definition.name) ?? [];
  run.bufferedSignals.delete(definition.name);
  for (const input of waiting) void Promise.resolve().then(() => callHandler(run, signalHandler, input));
}
