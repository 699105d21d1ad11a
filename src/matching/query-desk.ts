// Queries that wait for a poller and then for its answer (semantics §2.20, §3.7). Never persisted: a query lives as long as its caller.
import type {
  QueryWorkflowResponse,
  TaskList as TaskListMessage,
  WorkflowQuery,
  WorkflowQueryResult,
} from '@antiphon/proto';
import { QueryResultType, QueryWorkflowResponse as QueryWorkflowResponseMessage } from '@antiphon/proto';
import { cancelled, deadlineExceeded, deferred, EntityNotExistsError, queryFailed } from '#base';
import type { Env } from '#env';
import type { CallOptions, RunRef } from '#rpc';
import type { MatchingOptions } from './options.ts';
import type { PendingQuery } from './pending-work.ts';
import type { TaskList } from './task-list.ts';

export class QueryDesk {
  readonly #env: Env;
  readonly #options: MatchingOptions;
  readonly #pending = new Map<string, PendingQuery>();

  constructor(env: Env, options: MatchingOptions) {
    this.#env = env;
    this.#options = options;
  }

  async ask(
    list: TaskList,
    request: { run: RunRef; taskList: TaskListMessage; query: WorkflowQuery },
    options: CallOptions,
  ): Promise<QueryWorkflowResponse> {
    const { clock, scheduler } = this.#env;
    const answer = deferred<WorkflowQueryResult>();
    const pending: PendingQuery = {
      kind: 'query',
      owner: list,
      taskId: this.#env.random.uuid(),
      run: request.run,
      query: request.query,
      taskListName: request.taskList.name,
      isSticky: list.isSticky,
      answer,
    };
    const untilMs = Math.min(
      options.deadlineMs ?? Number.POSITIVE_INFINITY,
      clock.nowMs() + this.#options.queryWaitMsMax,
    );
    const onAbort = (): void => answer.reject(cancelled('query was cancelled by its caller'));
    if (options.signal?.aborted) throw cancelled('query was cancelled by its caller');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = scheduler.after(untilMs - clock.nowMs(), () =>
      answer.reject(deadlineExceeded('no worker answered the query in time')),
    );
    this.#pending.set(pending.taskId, pending);
    try {
      list.offerQuery(pending);
      return responseOf(await answer.promise);
    } finally {
      timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
      list.withdrawQuery(pending);
      this.#pending.delete(pending.taskId);
    }
  }

  isPending(query: PendingQuery): boolean {
    return this.#pending.has(query.taskId);
  }

  answer(task: { domainId: string; taskListName: string; taskId: string }, result: WorkflowQueryResult): void {
    const pending = this.#pending.get(task.taskId);
    // A token names its domain and list: one that was made up does not answer another tenant's query.
    const isSame = pending?.run.domainId === task.domainId && pending.taskListName === task.taskListName;
    if (pending === undefined || !isSame) {
      throw new EntityNotExistsError('query task not found, or already expired');
    }
    this.#pending.delete(task.taskId);
    pending.answer.resolve(result);
  }
}

function responseOf(result: WorkflowQueryResult): QueryWorkflowResponse {
  if (result.resultType === QueryResultType.QUERY_RESULT_TYPE_FAILED) throw queryFailed(result.errorMessage);
  // A result that does not say what it is counts as an answer, as with Cadence.
  return QueryWorkflowResponseMessage.fromPartial({ queryResult: result.answer });
}
