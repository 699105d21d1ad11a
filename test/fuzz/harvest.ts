// Takes from an answer what later requests can use.
import type {
  ListFailoverHistoryResponse,
  PollForActivityTaskResponse,
  PollForDecisionTaskResponse,
  RespondDecisionTaskCompletedResponse,
  StartWorkflowExecutionResponse,
} from '@antiphon/proto';
import type { Pool } from './pool.ts';
import type { Method } from './schema.ts';

/** What a request was about, as far as its generator knows. */
export interface About {
  readonly domain: string;
  readonly workflowId: string;
}

export function harvest(pool: Pool, method: Method, about: About, reply: unknown): void {
  const { nextPageToken } = reply as Partial<ListFailoverHistoryResponse>;
  if (nextPageToken !== undefined) pool.addPageToken(method.name, nextPageToken);
  switch (method.name) {
    case 'StartWorkflowExecution':
    case 'SignalWithStartWorkflowExecution':
    case 'RestartWorkflowExecution':
    case 'ResetWorkflowExecution': {
      const { runId } = reply as StartWorkflowExecutionResponse;
      pool.runs.add({ ...about, runId });
      break;
    }
    case 'PollForDecisionTask':
      takeDecision(pool, about, reply as PollForDecisionTaskResponse);
      break;
    case 'RespondDecisionTaskCompleted': {
      const { decisionTask } = reply as RespondDecisionTaskCompletedResponse;
      if (decisionTask !== undefined) takeDecision(pool, about, decisionTask);
      break;
    }
    case 'PollForActivityTask':
      takeActivity(pool, about, reply as PollForActivityTaskResponse);
      break;
    default:
      break;
  }
}

function takeDecision(pool: Pool, { domain }: About, task: PollForDecisionTaskResponse): void {
  const { taskToken: token, workflowExecution: run } = task;
  if (token.length === 0 || run === undefined) return;
  pool.tasks[task.query === undefined ? 'decision' : 'query'].add({ domain, token, workflowId: run.workflowId });
  pool.usedTokens.add(token);
  pool.runs.add({ domain, ...run });
  pool.addPageToken('GetWorkflowExecutionHistory', task.nextPageToken);
}

function takeActivity(pool: Pool, { domain }: About, task: PollForActivityTaskResponse): void {
  const { taskToken: token, workflowExecution: run, activityId } = task;
  if (token.length === 0 || run === undefined) return;
  pool.tasks.activity.add({ domain, token, workflowId: run.workflowId });
  pool.usedTokens.add(token);
  pool.activityIds.add({ domain, ...run, activityId });
}
