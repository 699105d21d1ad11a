// What the requests find: two domains that they are about, and a third that none may name. What the third holds has a secret in everything, so
// that an answer which shows any of it is seen, and is read before and after, so that any change of it is seen too.
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
const YEAR_SECONDS = 365 * 86_400;
const RETENTION_SECONDS = 86_400n;

const secret = (text: string): Uint8Array => Buffer.from(JSON.stringify(`${SECRET} ${text}`));
const workflowIds = Array.from({ length: WORKFLOWS }, (_, index) => `${SECRET}-${index}`);

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
  for (const workflowId of workflowIds) await startSecret(api, workflowId);
  // The visibility follows the histories.
  while ((await listSanctuary(api)).executions.length < WORKFLOWS)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await fillWithTokens(api, pool);
}

const describeDomain = (api: Api, name: string): Promise<DescribeDomainResponse> =>
  call(api.domain, 'describeDomain', DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: name } }));

const listSanctuary = (api: Api, pageSize = 100): Promise<ListWorkflowExecutionsResponse> =>
  call(
    api.visibility,
    'listWorkflowExecutions',
    ListWorkflowExecutionsRequest.fromPartial({ domain: SANCTUARY, pageSize }),
  );

/** Started, one decision made, and then at rest for longer than any run of the fuzzer. */
async function startSecret(api: Api, workflowId: string): Promise<void> {
  const taskList = { name: `${SECRET}-list` };
  await call(
    api.workflow,
    'startWorkflowExecution',
    StartWorkflowExecutionRequest.fromPartial({
      domain: SANCTUARY,
      workflowId,
      requestId: randomUUID(),
      workflowType: { name: `${SECRET}-type` },
      taskList,
      input: { data: secret('input') },
      memo: { fields: { note: { data: secret('memo') } } },
      executionStartToCloseTimeout: { seconds: BigInt(YEAR_SECONDS) },
      taskStartToCloseTimeout: { seconds: 60n },
    }),
  );
  const task = await call<PollForDecisionTaskResponse>(
    api.worker,
    'pollForDecisionTask',
    PollForDecisionTaskRequest.fromPartial({ domain: SANCTUARY, taskList, identity: SECRET }),
  );
  await call(
    api.worker,
    'respondDecisionTaskCompleted',
    RespondDecisionTaskCompletedRequest.fromPartial({
      taskToken: task.taskToken,
      decisions: [
        {
          attributes: {
            $case: 'startTimerDecisionAttributes',
            value: { timerId: SECRET, startToFireTimeout: { seconds: BigInt(YEAR_SECONDS) } },
          },
        },
      ],
    }),
  );
}

/** Tokens of pages of the domain that may not be named: sent with requests about others. */
async function fillWithTokens(api: Api, pool: Pool): Promise<void> {
  const page = await listSanctuary(api, 1);
  const history = await call<GetWorkflowExecutionHistoryResponse>(
    api.workflow,
    'getWorkflowExecutionHistory',
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: SANCTUARY,
      workflowExecution: { workflowId: workflowIds[0] ?? '' },
      pageSize: 1,
    }),
  );
  for (const token of [page.nextPageToken, history.nextPageToken]) if (token.length > 0) pool.foreignTokens.push(token);
}

/** All that the domain holds which no request may name, as text. */
export async function readSanctuary(api: Api): Promise<string> {
  const domain = await describeDomain(api, SANCTUARY);
  const listed = await listSanctuary(api);
  const runs: unknown[] = [];
  for (const workflowId of workflowIds) {
    const described = await call<DescribeWorkflowExecutionResponse>(
      api.workflow,
      'describeWorkflowExecution',
      DescribeWorkflowExecutionRequest.fromPartial({ domain: SANCTUARY, workflowExecution: { workflowId } }),
    );
    const runId = described.workflowExecutionInfo?.workflowExecution?.runId ?? '';
    runs.push(DescribeWorkflowExecutionResponse.toJSON(described), await historyOf(api, SANCTUARY, workflowId, runId));
  }
  const shown = { domain, count: listed.executions.length, runs };
  return JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
