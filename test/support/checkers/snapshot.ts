// A run at rest, as read from a region.
import type { HistoryEvent } from '@antiphon/proto';

export interface RunSnapshot {
  readonly workflowId: string;
  readonly runId: string;
  readonly events: readonly HistoryEvent[];
  readonly isOpen: boolean;
  /** What an open run waits for. */
  readonly pending: { readonly decision: boolean; readonly activities: number; readonly children: number };
  /** Events of branches that lost against another region's, and events that wait for a decision to close. */
  readonly elsewhere?: readonly HistoryEvent[] | undefined;
}

export interface RegionSnapshot {
  readonly name: string;
  readonly runs: readonly RunSnapshot[];
  /** Run id of the current run by workflow id. */
  readonly current: ReadonlyMap<string, string>;
}

export interface Violation {
  readonly checker: string;
  readonly workflowId: string;
  readonly story: string;
}

export const kindOf = (event: HistoryEvent | undefined): string =>
  (event?.attributes?.$case ?? 'none').replace(/EventAttributes$/, '');

const CLOSE_KINDS = new Set([
  'workflowExecutionCompleted',
  'workflowExecutionFailed',
  'workflowExecutionTimedOut',
  'workflowExecutionCanceled',
  'workflowExecutionTerminated',
  'workflowExecutionContinuedAsNew',
]);

export const isClose = (event: HistoryEvent | undefined): boolean => CLOSE_KINDS.has(kindOf(event));
