// Finding runs through the gRPC door: attributes that operators add, values by type, queries, paging, counts, and what is wrong with a query.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  type Decision,
  GetSearchAttributesRequest,
  IndexedValueType,
  ListClosedWorkflowExecutionsRequest,
  ListOpenWorkflowExecutionsRequest,
  ListWorkflowExecutionsRequest,
  PollForDecisionTaskRequest,
  RespondDecisionTaskCompletedRequest,
  ScanWorkflowExecutionsRequest,
  TerminateWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus,
} from '@antiphon/proto';
import { AddSearchAttributeRequest } from '@antiphon/proto/admin';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRealEnv } from '#env';
import { createRemoteFrontendClient, type RemoteFrontendClient } from '#rpc';
import { orderStart } from '../../support/order-start.ts';
import { openTarget, type Target } from '../frontend/bad-input/target.ts';

const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD, INDEXED_VALUE_TYPE_INT: INT } = IndexedValueType;
const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });
const fields = (values: Record<string, unknown>) => ({
  indexedFields: Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { data: new TextEncoder().encode(JSON.stringify(value)) }]),
  ),
});

let target: Target;
let client: RemoteFrontendClient;
beforeAll(async () => {
  target = await openTarget();
  client = createRemoteFrontendClient(target.address, { env: createRealEnv() });
});
afterAll(async () => {
  client.close();
  await target.close();
});

const start = (workflowId: string, attributes?: Record<string, unknown>, type = 'Order') =>
  client.workflow.startWorkflowExecution(
    orderStart('shop', workflowId, {
      workflowType: { name: type },
      searchAttributes: attributes && fields(attributes),
      executionStartToCloseTimeout: seconds(60),
    }),
  );
const add = (searchAttribute: Record<string, IndexedValueType>) =>
  client.admin.addSearchAttribute(AddSearchAttributeRequest.fromPartial({ searchAttribute }));
const list = async (query: string, domain = 'shop') => {
  const request = ListWorkflowExecutionsRequest.fromPartial({ domain, query, pageSize: 100 });
  const { executions } = await client.visibility.listWorkflowExecutions(request);
  return executions.map((row) => row.workflowExecution?.workflowId ?? '');
};
const count = async (query: string) =>
  Number(
    (
      await client.visibility.countWorkflowExecutions(
        CountWorkflowExecutionsRequest.fromPartial({ domain: 'shop', query }),
      )
    ).count,
  );

describe('a search attribute', () => {
  test('can be used as soon as it was added, in starts, upserts, queries and its own listing', async () => {
    await expect(start('early', { Tenant: 'acme' })).rejects.toThrow('Tenant is not a valid search attribute key');
    await expect(list("Tenant = 'acme'")).rejects.toThrow('invalid search attribute "Tenant"');
    await add({ Tenant: KEYWORD, Amount: INT });
    const { keys } = await client.visibility.getSearchAttributes(GetSearchAttributesRequest.create());
    expect(keys).toMatchObject({ Tenant: KEYWORD, Amount: INT, WorkflowID: KEYWORD });
    await start('sa-1', { Tenant: 'acme', Amount: 5 });
    await start('sa-2', { Tenant: ['acme', 'umbrella'] });
    await expect.poll(() => list("Tenant = 'acme' ORDER BY WorkflowID")).toEqual(['sa-1', 'sa-2']);
    const upsert: Decision = {
      attributes: {
        $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
        value: { searchAttributes: fields({ Amount: 70 }) },
      },
    };
    const { taskToken } = await client.worker.pollForDecisionTask(
      PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'sa-2' }, identity: 'w' }),
    );
    await client.worker.respondDecisionTaskCompleted(
      RespondDecisionTaskCompletedRequest.fromPartial({ taskToken, decisions: [upsert] }),
    );
    await expect.poll(() => list("Attr.Tenant IN ('umbrella') AND Amount > 60")).toEqual(['sa-2']);
  });

  test('has values of its type only, whoever sets them', async () => {
    await add({ Score: INT });
    await expect(start('wrong', { Score: 'high' })).rejects.toThrow(
      '"high" is not a valid search attribute value for key Score',
    );
    await start('upserter');
    const upsert: Decision = {
      attributes: {
        $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
        value: { searchAttributes: fields({ Score: 'high' }) },
      },
    };
    const poll = () =>
      client.worker.pollForDecisionTask(
        PollForDecisionTaskRequest.fromPartial({ domain: 'shop', taskList: { name: 'upserter' }, identity: 'w' }),
      );
    const { taskToken } = await poll();
    await client.worker.respondDecisionTaskCompleted(
      RespondDecisionTaskCompletedRequest.fromPartial({ taskToken, decisions: [upsert] }),
    );
    const again = await poll();
    expect(again.attempt).toBe(1n);
  });

  test('keeps its type, and cannot be one of the system', async () => {
    await add({ Fixed: KEYWORD });
    await expect(add({ Fixed: INT })).rejects.toThrow('Key [Fixed] is already whitelisted as a different type');
    await expect(add({ StartTime: INT })).rejects.toThrow('Key [StartTime] is reserved by system');
    await expect(add({})).rejects.toThrow('SearchAttributes are not provided');
    await expect(start('system', { RunID: 'x' })).rejects.toThrow('RunID is read-only Cadence reservered attribute');
  });
});

describe('lists', () => {
  test('are paged the same by list and scan, and counted', async () => {
    await add({ Batch: KEYWORD });
    for (let i = 0; i < 12; i++) await start(`page-${i}`, { Batch: 'b1' });
    const query = "Batch = 'b1'";
    await expect.poll(() => count(query)).toBe(12);
    for (const call of ['listWorkflowExecutions', 'scanWorkflowExecutions'] as const) {
      const Request = call === 'listWorkflowExecutions' ? ListWorkflowExecutionsRequest : ScanWorkflowExecutionsRequest;
      const seen = new Set<string>();
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const page = await client.visibility[call](
          Request.fromPartial({ domain: 'shop', query, pageSize: 5, nextPageToken: Buffer.from(nextPageToken) }),
        );
        for (const row of page.executions) seen.add(row.workflowExecution?.workflowId ?? '');
        ({ nextPageToken } = page);
        await start(`late-${randomUUID()}`, { Batch: 'b2' });
      } while (nextPageToken.length > 0);
      expect(seen.size).toBe(12);
    }
    const first = await client.visibility.listWorkflowExecutions(
      ListWorkflowExecutionsRequest.fromPartial({ domain: 'shop', query, pageSize: 5 }),
    );
    const stolen = ListWorkflowExecutionsRequest.fromPartial({
      domain: 'other',
      query,
      pageSize: 5,
      nextPageToken: Buffer.from(first.nextPageToken),
    });
    await expect(client.visibility.listWorkflowExecutions(stolen)).rejects.toThrow('Invalid NextPageToken.');
  });

  test('by filter know open and closed runs, type, id and status', async () => {
    await start('f-open', undefined, 'Filtered');
    await start('f-closed', undefined, 'Filtered');
    await client.workflow.terminateWorkflowExecution(
      TerminateWorkflowExecutionRequest.fromPartial({
        domain: 'shop',
        workflowExecution: { workflowId: 'f-closed', runId: '' },
      }),
    );
    const startTimeFilter = {
      earliestTime: { seconds: 0n, nanos: 0 },
      latestTime: { seconds: 4_000_000_000n, nanos: 0 },
    };
    const ids = (executions: readonly { workflowExecution?: { workflowId: string } | undefined }[]) =>
      executions.map((row) => row.workflowExecution?.workflowId);
    const filters = { $case: 'typeFilter' as const, value: { name: 'Filtered' } };
    const open = { ...ListOpenWorkflowExecutionsRequest.create(), domain: 'shop', startTimeFilter, filters };
    const closed = { ...ListClosedWorkflowExecutionsRequest.create(), domain: 'shop', startTimeFilter, filters };
    await expect
      .poll(async () => ids((await client.visibility.listClosedWorkflowExecutions(closed)).executions))
      .toEqual(['f-closed']);
    expect(ids((await client.visibility.listOpenWorkflowExecutions(open)).executions)).toEqual(['f-open']);
    const statusFilter = (status: WorkflowExecutionCloseStatus) => ({
      ...closed,
      filters: { $case: 'statusFilter' as const, value: { status } },
    });
    const { WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED: TERMINATED, WORKFLOW_EXECUTION_CLOSE_STATUS_FAILED: FAILED } =
      WorkflowExecutionCloseStatus;
    expect(ids((await client.visibility.listClosedWorkflowExecutions(statusFilter(TERMINATED))).executions)).toContain(
      'f-closed',
    );
    expect(ids((await client.visibility.listClosedWorkflowExecutions(statusFilter(FAILED))).executions)).toEqual([]);
    const missing = { ...open, startTimeFilter: undefined };
    await expect(client.visibility.listOpenWorkflowExecutions(missing)).rejects.toThrow('StartTimeFilter is required');
  });

  test('understand times relative to now, statuses by name, and nesting', async () => {
    await start('now-1', undefined, 'Recent');
    await expect.poll(() => list("WorkflowType = 'Recent' AND StartTime > now() - 1m")).toEqual(['now-1']);
    expect(await list("WorkflowType = 'Recent' AND StartTime < '1h'")).toEqual([]);
    expect(await list("((WorkflowType = 'Recent') AND NOT (CloseStatus = 'failed' OR CloseTime != missing))")).toEqual([
      'now-1',
    ]);
  });

  test.each([
    ["WorkflowType = 'a' AND Nope = 1", 'invalid search attribute "Nope"', 23],
    [
      'HistoryLength = many',
      'Invalid query: expected a value (a string in quotes, a number, true, false or now()), but found "many"',
      16,
    ],
    ["CustomIntField > 'x'", 'invalid value for CustomIntField: expected a whole number', 17],
    ["WorkflowID = 'a' ORDER BY Nope", 'invalid search attribute "Nope"', 26],
    ["(WorkflowID = 'a'", 'Invalid query: expected AND, OR or ")", but the query ends', 17],
  ])('say what is wrong with %s, with a caret under it', async (query, message, column) => {
    const text = `${message}\n  ${query}\n  ${' '.repeat(column)}^`;
    await expect(list(query)).rejects.toMatchObject({ message: text });
    await expect(count(query.replace(' ORDER BY Nope', ' AND Nope = 1'))).rejects.toThrow('\n');
  });
});
