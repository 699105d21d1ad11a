// A region at rest as its API shows it: every run that the visibility lists or the journal names, with its whole history.
import {
  type DescribeWorkflowExecutionResponse,
  GetWorkflowExecutionHistoryRequest,
  type GetWorkflowExecutionHistoryResponse,
  type HistoryEvent,
  ListWorkflowExecutionsRequest,
  type ListWorkflowExecutionsResponse,
} from '@antiphon/proto';
import { status } from '@grpc/grpc-js';
import { type Api, call } from '../bench/api.ts';
import type { RegionSnapshot, RunSnapshot } from './checkers/index.ts';

const PAGE_SIZE = 1000;

/** First the open ones: a run that closes meanwhile is among the closed. Every store lists these two. */
const QUERIES = ['CloseTime = missing', 'CloseTime != missing ORDER BY CloseTime DESC'];

async function listRuns(api: Api, domain: string): Promise<Map<string, Set<string>>> {
  const runs = new Map<string, Set<string>>();
  for (const query of QUERIES) {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await call<ListWorkflowExecutionsResponse>(
        api.visibility,
        'listWorkflowExecutions',
        ListWorkflowExecutionsRequest.fromPartial({ domain, pageSize: PAGE_SIZE, nextPageToken, query }),
      );
      for (const { workflowExecution } of page.executions) {
        const { workflowId = '', runId = '' } = workflowExecution ?? {};
        runs.set(workflowId, (runs.get(workflowId) ?? new Set()).add(runId));
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
  }
  return runs;
}

export async function historyOf(api: Api, domain: string, workflowId: string, runId: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await call<GetWorkflowExecutionHistoryResponse>(
      api.workflow,
      'getWorkflowExecutionHistory',
      GetWorkflowExecutionHistoryRequest.fromPartial({
        domain,
        workflowExecution: { workflowId, runId },
        pageSize: PAGE_SIZE,
        nextPageToken,
        skipArchival: true,
      }),
    );
    events.push(...(page.history?.events ?? []));
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return events;
}

const describe = (
  api: Api,
  domain: string,
  workflowId: string,
  runId: string,
): Promise<DescribeWorkflowExecutionResponse> =>
  call(api.workflow, 'describeWorkflowExecution', {
    domain,
    workflowExecution: { workflowId, runId },
    queryConsistencyLevel: 0,
  });

const CONCURRENCY = 16;

export async function snapshotOf(
  api: Api,
  name: string,
  domain: string,
  journalIds: Iterable<string> = [],
): Promise<RegionSnapshot> {
  const found = await listRuns(api, domain);
  for (const workflowId of journalIds) if (!found.has(workflowId)) found.set(workflowId, new Set());
  const runs: RunSnapshot[] = [];
  const current = new Map<string, string>();
  const queue = [...found];
  const reader = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [workflowId, runIds] = next;
      const runId = await currentRun(api, domain, workflowId);
      if (runId !== undefined) {
        current.set(workflowId, runId);
        runIds.add(runId);
      }
      for (const id of runIds) runs.push(await runSnapshot(api, domain, workflowId, id));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, reader));
  runs.sort((a, b) => (a.workflowId + a.runId < b.workflowId + b.runId ? -1 : 1));
  return { name, runs, current };
}

/** undefined: a start that was refused or never happened leaves no workflow. */
async function currentRun(api: Api, domain: string, workflowId: string): Promise<string | undefined> {
  try {
    const { workflowExecutionInfo } = await describe(api, domain, workflowId, '');
    return workflowExecutionInfo?.workflowExecution?.runId;
  } catch (error) {
    if ((error as { code?: number }).code === status.NOT_FOUND) return undefined;
    throw error;
  }
}

async function runSnapshot(api: Api, domain: string, workflowId: string, runId: string): Promise<RunSnapshot> {
  const info = await describe(api, domain, workflowId, runId);
  return {
    workflowId,
    runId,
    events: await historyOf(api, domain, workflowId, runId),
    isOpen: info.workflowExecutionInfo?.closeStatus === 0,
    pending: {
      decision: info.pendingDecision !== undefined,
      activities: info.pendingActivities.length,
      children: info.pendingChildren.length,
    },
  };
}
