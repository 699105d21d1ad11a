// The errors that workflows, activities and clients exchange. Failures are the only errors that fail a workflow; anything
// else thrown in workflow code fails the decision task, so that a fixed worker can go on.
// They cross realms (sandbox and host), so `instanceof` is by a registered symbol on the prototype, not by identity.

export type TimeoutKind = 'START_TO_CLOSE' | 'SCHEDULE_TO_START' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT';

type AnyClass = abstract new (...args: never[]) => Error;

function brand(failureClass: AnyClass, name: string): void {
  const marker = Symbol.for(`antiphon.failure.${name}`);
  Object.defineProperty(failureClass.prototype, marker, { value: true });
  Object.defineProperty(failureClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(failureClass, Symbol.hasInstance, {
    value(this: AnyClass, value: unknown): boolean {
      // A user's subclass inherits this method; it is then the ordinary question.
      if (this !== failureClass) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[marker] === true;
    },
  });
}

/** Base of all of them. */
export class Failure extends Error {}

export interface ApplicationFailureOptions {
  /** Reason on the wire; retry policies match it by equality. */
  readonly type?: string | undefined;
  readonly details?: readonly unknown[];
  readonly nonRetryable?: boolean;
  readonly cause?: unknown;
}

/** An error of the application: thrown by activities and workflows on purpose. */
export class ApplicationFailure extends Failure {
  readonly type: string | undefined;
  readonly details: readonly unknown[];
  readonly nonRetryable: boolean;

  constructor(message: string, options: ApplicationFailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.type?.startsWith('cadenceInternal:')) {
      throw new TypeError(`"${options.type}" is not a failure type: the prefix cadenceInternal: is reserved`);
    }
    this.type = options.type;
    this.details = options.details ?? [];
    this.nonRetryable = options.nonRetryable ?? false;
  }

  /** No retry policy of this SDK retries it. */
  static nonRetryable(message: string, type?: string, ...details: unknown[]): ApplicationFailure {
    return new ApplicationFailure(message, { type, details, nonRetryable: true });
  }

  static retryable(message: string, type?: string, ...details: unknown[]): ApplicationFailure {
    return new ApplicationFailure(message, { type, details });
  }
}

/** Thrown where work was cancelled; a workflow that lets it escape closes as canceled. */
export class CancelledFailure extends Failure {
  readonly details: readonly unknown[];
  constructor(message = 'cancelled', details: readonly unknown[] = []) {
    super(message);
    this.details = details;
  }
}

export class TimeoutFailure extends Failure {
  readonly timeoutType: TimeoutKind;
  /** Heartbeat details of the last attempt. */
  readonly details: readonly unknown[];
  constructor(timeoutType: TimeoutKind, details: readonly unknown[] = [], cause?: unknown) {
    super(`timed out: ${timeoutType}`, cause === undefined ? undefined : { cause });
    this.timeoutType = timeoutType;
    this.details = details;
  }
}

export class TerminatedFailure extends Failure {
  constructor(reason = 'terminated') {
    super(reason);
  }
}

/** A Go or Java worker's panic. */
export class PanicFailure extends Failure {
  readonly remoteStack: string;
  constructor(message: string, remoteStack = '') {
    super(message);
    this.remoteStack = remoteStack;
  }
}

function causeMessage(cause: unknown): string {
  return cause instanceof Error || cause instanceof Failure ? cause.message : String(cause);
}

/** An activity ended without success; `cause` says why. */
export class ActivityFailure extends Failure {
  readonly activityType: string;
  readonly activityId: string;
  override readonly cause: Failure;
  constructor(activityType: string, activityId: string, cause: Failure) {
    super(`activity ${activityType} failed: ${causeMessage(cause)}`);
    this.activityType = activityType;
    this.activityId = activityId;
    this.cause = cause;
  }
}

/** A child workflow ended without success; `cause` says why. */
export class ChildWorkflowFailure extends Failure {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string | undefined;
  override readonly cause: Failure;
  constructor(workflowType: string, workflowId: string, runId: string | undefined, cause: Failure) {
    super(`child workflow ${workflowType} (${workflowId}) failed: ${causeMessage(cause)}`);
    this.workflowType = workflowType;
    this.workflowId = workflowId;
    this.runId = runId;
    this.cause = cause;
  }
}

/** A start was refused because a run with this workflow id exists. */
export class WorkflowAlreadyStartedFailure extends Failure {
  readonly workflowId: string;
  constructor(workflowId: string) {
    super(`workflow ${workflowId} is already started`);
    this.workflowId = workflowId;
  }
}

/** A signal or cancel request found no open workflow. */
export class ExternalWorkflowFailure extends Failure {
  readonly workflowId: string;
  constructor(what: string, workflowId: string, cause: string) {
    super(`cannot ${what} workflow ${workflowId}: ${cause}`);
    this.workflowId = workflowId;
  }
}

brand(Failure, 'Failure');
brand(ApplicationFailure, 'ApplicationFailure');
brand(CancelledFailure, 'CancelledFailure');
brand(TimeoutFailure, 'TimeoutFailure');
brand(TerminatedFailure, 'TerminatedFailure');
brand(PanicFailure, 'PanicFailure');
brand(ActivityFailure, 'ActivityFailure');
brand(ChildWorkflowFailure, 'ChildWorkflowFailure');
brand(WorkflowAlreadyStartedFailure, 'WorkflowAlreadyStartedFailure');
brand(ExternalWorkflowFailure, 'ExternalWorkflowFailure');

/** True for a cancellation, also one that an activity or child passed on. */
export function isCancellation(error: unknown): boolean {
  if (error instanceof CancelledFailure) return true;
  return (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && isCancellation(error.cause);
}
