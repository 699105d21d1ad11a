// What the requests find: two domains that they are about, and a third whose holdings they must neither see nor change. What the third holds has
// a secret in everything, so that an answer which shows any of it is seen; it is read before and after, so that any change of it is seen too.
import { randomUUID } from 'node:crypto';
import {
  DescribeDomainRequest,
  type DescribeDomainResponse,
  DescribeWorkflowExecutionRequest,
  DescribeWorkflowExecutionResponse,
  GetWorkflowExecutionHistoryRequest,
  type GetWorkflowExecutionHistoryResponse,
  ListWorkflowExecutionsRequest,
  type ListWorkflowExecutionsResponse,
  PollForDecisionTaskRequest,
  type PollForDecisionTaskResponse,
  RegisterDomainRequest,
  RespondDecisionTaskCompletedRequest,
  StartWorkflowExecutionRequest,
} from '@antiphon/proto';
import { type Api, call } from '../bench/api.ts';
import { historyOf } from '../support/region-snapshot.ts';
import { SECRET } from './judge.ts';
import type { Pool } from './pool.ts';

export const FUZZED_DOMAINS: readonly string[] = ['fuzz-alpha', 'fuzz-beta'];
export const SANCTUARY = 'the-other-tenant';
const WORKFLOWS = 3;
const YEAR_SECONDS = BigInt(365 * 86_400);
const RETENTION_SECONDS = 86_400n;
const VISIBLE_EVERY_MS = 50;

/** Ids of the workflows that are at rest in a domain. */
const restingIds = (word: string): readonly string[] =>
  Array.from({ length: WORKFLOWS }, (_, index) => `${word}-${index}`);

export async function prepareDomains(
  api: Api,
  pool: Pool,
  dataOf: (domain: string) => Record<string, string> = () => ({}),
): Promise<void> {
  for (const name of [...FUZZED_DOMAINS, SANCTUARY]) {
    const workflowExecutionRetentionPeriod = { seconds: RETENTION_SECONDS, nanos: 0 };
    const request = { ...RegisterDomainRequest.create(), name, workflowExecutionRetentionPeriod, data: dataOf(name) };
    await call(api.domain, 'registerDomain', request);
    pool.domainIds.push((await describeDomain(api, name)).domain?.id ?? '');
  }
  await fillDomain(api, SANCTUARY, SECRET);
  await takeForeignTokens(api, pool);
}

const describeDomain = (api: Api, name: string): Promise<DescribeDomainResponse> =>
  call(api.domain, 'describeDomain', DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }));

const listRuns = (api: Api, domain: string, pageSize = 1000): Promise<ListWorkflowExecutionsResponse> =>
  call(api.visibility, 'listWorkflowExecutions', ListWorkflowExecutionsRequest.fromPartial({ domain, pageSize }));

/** Workflows that are at rest for longer than any run of the fuzzer, with `word` in everything they hold. */
export async function fillDomain(api: Api, domain: string, word: string): Promise<void> {
  for (const workflowId of restingIds(word)) await startResting(api, domain, word, workflowId);
  // The visibility follows the histories.
  while ((await listRuns(api, domain)).executions.length < WORKFLOWS) {
    await new Promise((resolve) => setTimeout(resolve, VISIBLE_EVERY_MS));
  }
}

async function startResting(api: Api, domain: string, word: string, workflowId: string): Promise<void> {
  const taskList = { name: `${word}-list` };
  const payload = (text: string) => ({ data: Buffer.from(JSON.stringify(`${word} ${text}`)) });
  await call(
    api.workflow,
    'startWorkflowExecution',
    StartWorkflowExecutionRequest.fromPartial({
      domain,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: `${word}-type` },
      taskList,
      input: payload('input'),
      memo: { fields: { note: payload('memo') } },
      executionStartToCloseTimeout: { seconds: YEAR_SECONDS },
      taskStartToCloseTimeout: { seconds: 60n },
    }),
  );
  const { taskToken } = await call<PollForDecisionTaskResponse>(
    api.worker,
    'pollForDecisionTask',
    PollForDecisionTaskRequest.fromPartial({ domain, taskList, identity: word }),
  );
  const timer = { timerId: word, startToFireTimeout: { seconds: YEAR_SECONDS } };
  await call(
    api.worker,
    'respondDecisionTaskCompleted',
    RespondDecisionTaskCompletedRequest.fromPartial({
      taskToken,
      decisions: [{ attributes: { $case: 'startTimerDecisionAttributes', value: timer } }],
    }),
  );
}

/** Tokens of pages of the third domain: sent with requests about others. */
async function takeForeignTokens(api: Api, pool: Pool): Promise<void> {
  const page = await listRuns(api, SANCTUARY, 1);
  const history = await call<GetWorkflowExecutionHistoryResponse>(
    api.workflow,
    'getWorkflowExecutionHistory',
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: SANCTUARY,
      workflowExecution: { workflowId: restingIds(SECRET)[0] ?? '' },
      pageSize: 1,
    }),
  );
  for (const token of [page.nextPageToken, history.nextPageToken]) if (token.length > 0) pool.foreignTokens.push(token);
}

/** All that a domain holds which was filled with `word`, as text. */
export async function readDomain(api: Api, domain: string, word: string): Promise<string> {
  const runs: unknown[] = [];
  for (const workflowId of restingIds(word)) {
    const described = await call<DescribeWorkflowExecutionResponse>(
      api.workflow,
      'describeWorkflowExecution',
      DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution: { workflowId } }),
    );
    const runId = described.workflowExecutionInfo?.workflowExecution?.runId ?? '';
    runs.push(DescribeWorkflowExecutionResponse.toJSON(described), await historyOf(api, domain, workflowId, runId));
  }
  const { executions } = await listRuns(api, domain);
  const shown = { domain: await describeDomain(api, domain), count: executions.length, runs };
  return JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
