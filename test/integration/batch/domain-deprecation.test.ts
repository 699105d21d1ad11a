// The deprecation of a domain as Cadence's CLI starts it: new runs are refused, open ones end.
import { randomUUID } from 'node:crypto';
import {
  DescribeDomainRequest,
  DescribeWorkflowExecutionRequest,
  DomainStatus,
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  StartWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus as Status,
} from '@antiphon/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOMAIN, json, openServer, seconds, type TestServer } from '../schedules/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.stop());

const start = (fields: object) =>
  server.client.workflow.startWorkflowExecution(
    StartWorkflowExecutionRequest.fromPartial({
      requestId: randomUUID(),
      workflowType: { name: 'any' },
      taskList: { name: 'nobody' },
      executionStartToCloseTimeout: seconds(600),
      taskStartToCloseTimeout: seconds(10),
      ...fields,
    }),
  );

const deprecate = async (domainName: string) => {
  const workflowId = `domain-deprecation-${domainName}-${randomUUID()}`;
  const domain = 'cadence-system';
  await start({
    domain,
    workflowId,
    workflowType: { name: 'domain-deprecation-workflow' },
    taskList: { name: 'domain-deprecation-tasklist' },
    input: json({ domain_name: domainName, security_token: '' }),
  });
  const closed = await server.client.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain,
      workflowExecution: { workflowId },
      waitForNewEvent: true,
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
    }),
    { timeoutMs: 60_000 },
  );
  return closed.history?.events[0]?.attributes?.$case;
};

test('forbids new runs and terminates those that are open', async () => {
  await start({ domain: DOMAIN, workflowId: 'open' });
  expect(await deprecate(DOMAIN)).toBe('workflowExecutionCompletedEventAttributes');
  const { domain } = await server.client.domain.describeDomain(
    DescribeDomainRequest.fromPartial({ describeBy: { $case: 'name', value: DOMAIN } }),
  );
  expect(domain?.status).toBe(DomainStatus.DOMAIN_STATUS_DEPRECATED);
  const described = await server.client.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({ domain: DOMAIN, workflowExecution: { workflowId: 'open' } }),
  );
  expect(described.workflowExecutionInfo?.closeStatus).toBe(Status.WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED);
  await expect(start({ domain: DOMAIN, workflowId: 'late' })).rejects.toThrow('deprecated');
});

test('fails for good when there is no such domain', async () => {
  expect(await deprecate('nowhere')).toBe('workflowExecutionFailedEventAttributes');
});
