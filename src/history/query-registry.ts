// Strongly consistent queries of one run that wait for a decision: they ride on the next decision task and are answered by its completion.
// In memory only: when the shard moves, callers fail with a retryable error. Cadence: service/history/query/registry.go.
import type { WorkflowQuery, WorkflowQueryResult } from '@antiphon/proto';
import { type Deferred, deferred, internalService } from '#base';
import type { WorkflowState } from '#core';
import { isOpen } from './run-state.ts';

/** `direct`: no decision will carry it; ask a poller instead. */
export type QueryOutcome = { readonly result: WorkflowQueryResult } | 'direct';

interface WaitingQuery {
  readonly query: WorkflowQuery;
  readonly outcome: Deferred<QueryOutcome>;
}

export class QueryRegistry {
  readonly #waiting = new Map<string, WaitingQuery>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(id: string, query: WorkflowQuery, countMax: number): Promise<QueryOutcome> {
    if (this.#waiting.size >= countMax) {
      throw internalService('consistent query buffer is full, cannot accept new consistent queries');
    }
    const outcome = deferred<QueryOutcome>();
    // The caller looks at it only after the read that registered it is durable.
    outcome.promise.catch(() => {});
    this.#waiting.set(id, { query, outcome });
    return outcome.promise;
  }

  remove(id: string): void {
    this.#waiting.delete(id);
  }

  /** What a decision task carries. */
  forTask(): Record<string, WorkflowQuery> {
    const queries: Record<string, WorkflowQuery> = {};
    for (const [id, { query }] of this.#waiting) queries[id] = query;
    return queries;
  }

  answer(results: Readonly<Record<string, WorkflowQueryResult>>): void {
    for (const [id, result] of Object.entries(results)) {
      this.#waiting.get(id)?.outcome.resolve({ result });
      this.#waiting.delete(id);
    }
  }

  fail(error: unknown): void {
    for (const { outcome } of this.#waiting.values()) outcome.reject(error);
    this.#waiting.clear();
  }

  /** Without a decision to ride on, the waiting queries go to a poller directly. */
  onRunChanged(state: WorkflowState): void {
    if (isOpen(state) && state.info.decision !== undefined) return;
    for (const { outcome } of this.#waiting.values()) outcome.resolve('direct');
    this.#waiting.clear();
  }
}
