// Answers queries from a run's state. A query changes nothing, and its answer is bounded.
import { QueryResultType, type WorkflowQuery, type WorkflowQueryResult } from '@antiphon/proto';
import { fromSandbox, toSandbox } from '../transport/index.ts';
import type { WorkflowEngine } from './workflow-engine.ts';

const QUERY_RESULT_SIZE_MAX = 2_000_000;

export function failedQuery(errorMessage: string): WorkflowQueryResult {
  return { resultType: QueryResultType.QUERY_RESULT_TYPE_FAILED, answer: undefined, errorMessage };
}

export function answerQuery(engine: WorkflowEngine, query: WorkflowQuery): WorkflowQueryResult {
  const outcome = engine.query(query.queryType, toSandbox(query.queryArgs));
  if (!outcome.ok) return failedQuery(outcome.message);
  const answer = fromSandbox(outcome.result);
  if ((answer?.data.length ?? 0) > QUERY_RESULT_SIZE_MAX) {
    return failedQuery(`query result is larger than ${QUERY_RESULT_SIZE_MAX} bytes`);
  }
  return { resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED, answer, errorMessage: '' };
}
