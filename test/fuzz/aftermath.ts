// What must hold when the requests are over: the server works as on its first day, histories are whole, and nobody else's were touched.
import { randomUUID } from 'node:crypto';
import {
  DescribeWorkflowExecutionRequest,
  type DescribeWorkflowExecutionResponse,
  ListWorkflowExecutionsRequest,
  type ListWorkflowExecutionsResponse,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  RespondDecisionTaskCompletedRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { status } from '@grpc/grpc-js';
import { type Api, call } from '../bench/api.ts';
import { historyWellformed, type RunSnapshot } from '../support/checkers/index.ts';
import { historyOf } from '../support/region-snapshot.ts';
import type { Findings } from './findings.ts';

const PAGE_SIZE = 1000;
const READERS = 16;
const READS_MAX = 4;

/** A workflow from its start to its end, as the first client of a fresh server would see it. */
export async function playOne(api: Api, domain: string): Promise<string | undefined> {
  const workflowId = `after-${randomUUID()}`;
  const taskList = { name: workflowId };
  try {
    await call(
      api.workflow,
      'startWorkflowExecution',
      StartWorkflowExecutionRequest.fromPartial({
        domain,
        workflowId,
        requestId: randomUUID(),
        workflowType: { name: 'after' },
        taskList,
        executionStartToCloseTimeout: { seconds: 60n },
        taskStartToCloseTimeout: { seconds: 10n },
      }),
    );
    const task = await call<PollForDecisionTaskResponse>(
      api.worker,
      'pollForDecisionTask',
      PollForDecisionTaskRequest.fromPartial({ domain, taskList }),
    );
    await call(
      api.worker,
      'respondDecisionTaskCompleted',
      RespondDecisionTaskCompletedRequest.fromPartial({
        taskToken: task.taskToken,
        decisions: [{ attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value: {} } }],
      }),
    );
    const { workflowExecutionInfo } = await describe(api, domain, { workflowId, runId: '' });
    return workflowExecutionInfo?.closeStatus === 1 ? undefined : 'a workflow that completed is not closed';
  } catch (error) {
    return `a workflow could not be played: ${String(error)}`;
  }
}

interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

const describe = (api: Api, domain: string, workflowExecution: Run): Promise<DescribeWorkflowExecutionResponse> =>
  call(
    api.workflow,
    'describeWorkflowExecution',
    DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution }),
  );

/** Histories of up to `max` runs, evenly over all of them. Returns how many were read. */
export async function checkHistories(api: Api, domain: string, max: number, findings: Findings): Promise<number> {
  const all = await listRuns(api, domain);
  const step = Math.max(1, all.length / max);
  const chosen = Array.from({ length: Math.min(max, all.length) }, (_, index) => all[Math.floor(index * step)] as Run);
  const queue = [...chosen];
  const reader = async (): Promise<void> => {
    for (let run = queue.pop(); run !== undefined; run = queue.pop()) {
      const fault = await faultOf(api, domain, run);
      if (fault !== undefined) findings.add(`${domain} ${run.workflowId}: ${fault}`, 'history');
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return chosen.length;
}

async function listRuns(api: Api, domain: string): Promise<Run[]> {
  const runs: Run[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page: ListWorkflowExecutionsResponse = await call(
      api.visibility,
      'listWorkflowExecutions',
      ListWorkflowExecutionsRequest.fromPartial({ domain, pageSize: PAGE_SIZE, nextPageToken }),
    );
    for (const { workflowExecution } of page.executions)
      if (workflowExecution !== undefined) runs.push(workflowExecution);
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return runs;
}

/** Timers still fire: a history may grow between two reads, so only a fault that stays is one. */
async function faultOf(api: Api, domain: string, run: Run): Promise<string | undefined> {
  let fault: string | undefined;
  for (let reads = 0; reads < READS_MAX; reads++) {
    try {
      const events = await historyOf(api, domain, run.workflowId, run.runId);
      const info = await describe(api, domain, run);
      const snapshot: RunSnapshot = {
        ...run,
        events,
        isOpen: info.workflowExecutionInfo?.closeStatus === 0,
        pending: { decision: false, activities: 0, children: 0 },
      };
      fault = historyWellformed([snapshot])[0]?.story;
    } catch (error) {
      // Deleted by an operator's request, or by retention, between the list and the read.
      if ((error as { code?: number }).code === status.NOT_FOUND) return undefined;
      fault = String(error);
    }
    if (fault === undefined) return undefined;
  }
  return fault;
}
