// Answers decision and query tasks: brings the run up to the task, collects decisions and query results, responds, and goes on
// with the task that the response may carry.
// Invariants: a run is driven by one task at a time; state whose response failed is thrown away, because the service did not
// take the decisions it assumes.
import type { Decision, PollForDecisionTaskResponse, WorkflowQueryResult } from '@antiphon/proto';
import { isRpcError } from '../transport/index.ts';
import type { DecisionResponses } from './decision-responses.ts';
import { errorText, type Logger } from './logger.ts';
import { NonDeterminismError } from './non-determinism.ts';
import type { CachedRun, RunCache } from './run-cache.ts';
import type { LoadedRun, RunLoader } from './run-loader.ts';
import { createRunLocks } from './run-locks.ts';
import type { SandboxTurns } from './sandbox-turns.ts';
import { answerQuery, failedQuery } from './workflow-queries.ts';

export interface DecisionTaskHandlerOptions {
  readonly load: RunLoader;
  readonly respond: DecisionResponses;
  readonly turns: SandboxTurns;
  readonly cache: RunCache;
  /** Whether runs are kept between tasks. */
  readonly isSticky: boolean;
  /** What non-determinism does: wait for a fixed worker, or fail the workflow. */
  readonly nonDeterminismPolicy: 'block' | 'failWorkflow';
  readonly log: Logger;
}

export interface DecisionTaskHandler {
  handle(task: PollForDecisionTaskResponse): Promise<void>;
}

type Task = PollForDecisionTaskResponse;

interface Answer extends LoadedRun {
  readonly queryResults: Record<string, WorkflowQueryResult>;
  /** Set for a query task. */
  readonly legacyResult: WorkflowQueryResult | undefined;
}

function failWorkflow(error: NonDeterminismError): Decision {
  const failure = { reason: 'NonDeterministicWorkflowPolicyFailWorkflow', details: Buffer.from(error.message) };
  return { attributes: { $case: 'failWorkflowExecutionDecisionAttributes', value: { failure } } };
}

async function answerTask(options: DecisionTaskHandlerOptions, task: Task): Promise<Answer> {
  const loaded = await options.load(task);
  const { engine } = loaded.run;
  const { query } = task;
  const queries = Object.entries(task.queries);
  if (!query && queries.length === 0) return { ...loaded, queryResults: {}, legacyResult: undefined };
  try {
    return await options.turns.take(engine.key, () => ({
      ...loaded,
      queryResults: Object.fromEntries(queries.map(([id, each]) => [id, answerQuery(engine, each)])),
      legacyResult: query && answerQuery(engine, query),
    }));
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

async function answerWithError(options: DecisionTaskHandlerOptions, task: Task, error: unknown): Promise<void> {
  options.log.error('workflow task failed', {
    'wf-id': task.workflowExecution?.workflowId,
    'wf-run-id': task.workflowExecution?.runId,
    'wf-type': task.workflowType?.name,
    attempt: Number(task.attempt),
    error: errorText(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
  if (task.query) await options.respond.query(task, failedQuery(errorText(error)));
  // The service could not be asked for history; that is not the workflow's fault, and the task's timeout is the retry.
  else if (isRpcError(error)) return;
  else if (error instanceof NonDeterminismError && options.nonDeterminismPolicy === 'failWorkflow') {
    await options.respond.decisions(task, [failWorkflow(error)], {});
  } else await options.respond.failure(task, error);
}

export function createDecisionTaskHandler(options: DecisionTaskHandlerOptions): DecisionTaskHandler {
  const { respond, cache, log } = options;
  const lock = createRunLocks();

  /** Ends the use of a run: back to the cache when it can serve the next task. */
  const keep = (run: CachedRun): void => {
    if (options.isSticky && !run.engine.isClosed) cache.put(run);
    else run.engine.dispose();
  };
  const sendDecisions = async (task: Task, { run, decisions, queryResults }: Answer): Promise<Task | undefined> => {
    try {
      const response = await respond.decisions(task, decisions, queryResults);
      run.previousStartedEventId = Number(task.startedEventId);
      keep(run);
      return response.decisionTask?.taskToken.length ? response.decisionTask : undefined;
    } catch (error) {
      run.engine.dispose();
      // The run was closed, reset or timed out meanwhile; nothing is lost by it.
      if (!isRpcError(error, 'EntityNotExists', 'WorkflowExecutionAlreadyCompleted')) throw error;
      log.info('decisions came too late', { 'wf-id': run.workflowId, 'wf-run-id': run.runId, error: error.message });
      return undefined;
    }
  };
  const answerQuery = async (task: Task, result: NonNullable<Answer['legacyResult']>): Promise<void> => {
    try {
      await respond.query(task, result);
    } catch (error) {
      // Whoever asked has gone meanwhile.
      if (!isRpcError(error, 'EntityNotExists')) throw error;
      log.info('a query was answered too late', { 'wf-id': task.workflowExecution?.workflowId, error: error.message });
    }
  };
  const handleOne = async (task: Task): Promise<Task | undefined> => {
    let answer: Answer;
    try {
      answer = await answerTask(options, task);
    } catch (error) {
      await answerWithError(options, task, error);
      return undefined;
    }
    if (!answer.legacyResult) return sendDecisions(task, answer);
    if (answer.isScratch) answer.run.engine.dispose();
    else keep(answer.run);
    await answerQuery(task, answer.legacyResult);
    return undefined;
  };
  return {
    handle: async (task) => {
      let next: Task | undefined = task;
      while (next) {
        const current: Task = next;
        next = await lock(current.workflowExecution?.runId ?? '', () => handleOne(current));
      }
    },
  };
}
