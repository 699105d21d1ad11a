// Signals and cancel requests to other workflows, delivered by the service.
import { ExternalWorkflowFailure, type SignalDefinition } from '../common/index.ts';
import { callAndWait } from './pending-call.ts';
import type { Rejection } from './protocol.ts';
import { wireArguments } from './wire-payload.ts';

export interface ExternalWorkflowHandle {
  readonly workflowId: string;
  readonly runId: string | undefined;
  signal<Args extends readonly unknown[]>(signal: SignalDefinition<Args> | string, ...args: Args): Promise<void>;
  cancel(): Promise<void>;
}

export interface ExternalTarget {
  readonly workflowId: string;
  readonly runId: string;
  readonly domain: string;
  readonly childOnly: boolean;
}

const causeOf = (rejection: Rejection): string => (rejection.kind === 'external' ? rejection.cause : rejection.kind);

export function signalExternal(
  target: ExternalTarget,
  signal: SignalDefinition | string,
  args: readonly unknown[],
): Promise<void> {
  const { workflowId } = target;
  const signalName = typeof signal === 'string' ? signal : signal.name;
  return callAndWait<void>(
    {
      what: `signal ${signalName} to ${workflowId}`,
      command: (id) => ({ kind: 'signalExternal', id, ...target, signalName, input: wireArguments(args) }),
      waitsWhenCancelled: true,
      decode: () => undefined,
      toError: (rejection) => new ExternalWorkflowFailure('signal', workflowId, causeOf(rejection)),
    },
    signalExternal,
  );
}

/** A workflow that this one did not start. Without a run id its current run is meant. */
export function getExternalWorkflow(workflowId: string, runId?: string, domain = ''): ExternalWorkflowHandle {
  const target = { workflowId, runId: runId ?? '', domain, childOnly: false };
  return {
    workflowId,
    runId,
    signal: (signal, ...args) => signalExternal(target, signal, args),
    cancel: () =>
      callAndWait<void>(
        {
          what: `cancel of ${workflowId}`,
          command: (id) => ({ kind: 'cancelExternal', id, domain, workflowId, runId: target.runId }),
          waitsWhenCancelled: true,
          decode: () => undefined,
          toError: (rejection) => new ExternalWorkflowFailure('cancel', workflowId, causeOf(rejection)),
        },
        getExternalWorkflow,
      ),
  };
}
