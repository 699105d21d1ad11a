// The one way in which API functions wait for an event: register under a sequence id, issue the command at once, settle by
// the event or by the cancellation of the scope.
// Invariant: the command is issued synchronously, before any await, so that the order of calls is the order of commands.
import {
  ApplicationFailure,
  CancelledFailure,
  type Failure,
  TerminatedFailure,
  TimeoutFailure,
} from '../common/index.ts';
import { CancellationScope } from './cancellation-scope.ts';
import { currentRun } from './current-run.ts';
import type { Command, Rejection, WirePayload } from './protocol.ts';
import { readArguments, readFailure } from './wire-payload.ts';
import { captureStack } from './workflow-run.ts';

export interface CallOptions<T> {
  readonly what: string;
  readonly command: (id: string) => Command;
  /** Issued when the scope is cancelled first. */
  readonly cancelCommand?: (id: string) => Command;
  /** Wait for the outcome even when cancelled, instead of throwing at once. */
  readonly waitsWhenCancelled?: boolean;
  readonly decode: (result: WirePayload) => T;
  readonly toError: (rejection: Rejection, id: string) => Error;
}

/** The cause that a rejection stands for, without the wrapper of activity or child. */
export function rejectionCause(rejection: Rejection): Failure {
  switch (rejection.kind) {
    case 'failure':
      return readFailure(rejection.failure);
    case 'timeout': {
      const cause = rejection.lastFailure ? readFailure(rejection.lastFailure) : undefined;
      // As in Go: an attempt that failed and then ran out of time reports its failure, which says more than the timeout.
      if (cause && rejection.timeoutType === 'START_TO_CLOSE') return cause;
      return new TimeoutFailure(rejection.timeoutType, readArguments(rejection.details), cause);
    }
    case 'cancelled':
      return new CancelledFailure('cancelled', readArguments(rejection.details));
    case 'terminated':
      return new TerminatedFailure();
    case 'alreadyStarted':
      return new ApplicationFailure('already started', { type: 'WorkflowExecutionAlreadyStarted' });
    case 'external':
      return new ApplicationFailure(rejection.cause);
  }
}

export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export function createDeferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Marks the promise as handled: a call that nobody awaits may fail without failing the workflow. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

export function callAndWait<T>(options: CallOptions<T>, below: unknown): Promise<T> {
  const run = currentRun();
  const scope = CancellationScope.current();
  if (scope.isCancelled) return handled(scope.cancelRequested);
  const id = run.nextId();
  const promise = new Promise<T>((resolve, reject) => {
    const detach = scope.onCancel((failure) => {
      if (options.cancelCommand) run.issue(options.cancelCommand(id));
      if (options.waitsWhenCancelled) return;
      run.pending.delete(id);
      reject(failure);
    });
    run.pending.set(id, {
      what: options.what,
      at: captureStack(below),
      resolve: (result) => {
        detach();
        resolve(options.decode(result));
      },
      reject: (rejection) => {
        detach();
        reject(options.toError(rejection, id));
      },
    });
    run.issue(options.command(id));
  });
  return handled(promise);
}
