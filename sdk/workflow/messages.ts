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

/** Hands the kept signals to the handler, if there is one by now. */
function deliverSignals(run: WorkflowRun, name: string): void {
  const handler = run.signalHandlers.get(name);
  const waiting = run.bufferedSignals.get(name);
  if (!handler || !waiting) return;
  run.bufferedSignals.delete(name);
  for (const input of waiting) callHandler(run, handler, input);
}

/** The signal joins those that still wait, when its turn comes, so that none overtakes another. */
export function receiveSignal(run: WorkflowRun, name: string, input: WirePayload): void {
  void Promise.resolve().then(() => {
    run.bufferedSignals.set(name, [...(run.bufferedSignals.get(name) ?? []), input]);
    deliverSignals(run, name);
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
  run.signalHandlers.set(definition.name, handler as SignalHandler);
  // Not at once: the code that sets the handler may still be setting up what the handler uses.
  void Promise.resolve().then(() => deliverSignals(run, definition.name));
}
