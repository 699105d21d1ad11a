// How a single decision can end other than well: it fails the whole decision task (the worker made a mistake), or the workflow (a payload
// is too big). Both are thrown inside the engine and caught by the completion; they never leave it.

import type { DecisionTaskFailedCause, Payload } from '@antiphon/proto';
import { ServiceError } from '#base';
import type { CommandInputs } from './commands.ts';
import type { Draft } from './draft.ts';

export class DecisionRejected extends Error {
  readonly decisionCause: DecisionTaskFailedCause;

  constructor(cause: DecisionTaskFailedCause, message: string) {
    super(message);
    this.decisionCause = cause;
  }
}

export class WorkflowFailed extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What the decisions of one completion share. */
export interface Completion {
  readonly draft: Draft;
  readonly command: CommandInputs['respondDecisionTaskCompleted'];
  /** Id of the DecisionTaskCompleted event. */
  readonly completedId: bigint;
  /** Events wait that the worker has not seen. Canceling a fired timer may change it. */
  hasUnhandledEvents: boolean;
  /** A canceled activity that no worker had: the workflow must hear of it. */
  canceledUnstarted: boolean;
  readonly localActivities: Map<string, { scheduleId: number }>;
}

export function reject(cause: DecisionTaskFailedCause, message: string): never {
  throw new DecisionRejected(cause, message);
}

/** Runs a validation that throws BadRequest and makes it the decision's fault. */
export function rejectOnFault<T>(cause: DecisionTaskFailedCause, validate: () => T): T {
  try {
    return validate();
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'BadRequest') reject(cause, error.message);
    throw error;
  }
}

export function requireBlobSize(completion: Completion, bytes: number, message: string): void {
  if (bytes > completion.draft.context.limits.blobSizeBytesMax) {
    throw new WorkflowFailed('DECISION_BLOB_SIZE_EXCEEDS_LIMIT', message);
  }
}

const PENDING = {
  ACTIVITY: 'activities',
  CHILD: 'children',
  TIMER: 'timers',
  SIGNAL: 'signals and cancels of other workflows',
} as const;

/** `max` 0: no limit. */
export function requirePendingPlace(pending: number, max: number, what: keyof typeof PENDING): void {
  if (max > 0 && pending >= max) {
    throw new WorkflowFailed(`PENDING_${what}_EXCEEDS_LIMIT`, `Too many pending ${PENDING[what]}`);
  }
}

export const sizeOf = (payload: Payload | undefined): number => payload?.data.length ?? 0;
