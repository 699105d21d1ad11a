// The lists of workflows, by its queries and by the basic calls, and the pages of task lists.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DOMAIN, openSite, type Site, TASK_LIST } from './site.ts';
import { type Answer, jsonOf, payload, timeOf } from './web-client.ts';

let site: Site;
const ids: string[] = [];
let startedMs = 0;

beforeAll(async () => {
  site = await openSite();
  startedMs = Date.now();
  for (const colour of ['red', 'green', 'blue']) {
    const { workflowId } = await site.startCart({
      searchAttributes: { indexedFields: { CustomKeywordField: payload(JSON.stringify(colour)) } },
      memo: { fields: { colour: payload(JSON.stringify(colour)) } },
    });
    ids.push(workflowId);
  }
  const [, closed] = ids;
  await site.web.call('workflow', 'TerminateWorkflowExecution', {
    domain: DOMAIN,
    workflowExecution: { workflowId: closed, runId: '' },
    reason: 'Terminating workflow from cadence-web UI',
  });
});
afterAll(() => site.stop());

interface Filters {
  readonly search?: string;
  readonly status?: number | 'running';
  readonly cron?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly sort?: string;
  readonly partial?: boolean;
}

/** The query that its search page makes of its fields. */
function query({ search, status, cron, from, to, sort = 'StartTime DESC', partial = false }: Filters): string {
  const is = partial ? 'LIKE' : '=';
  const clauses = [
    ...(search ? [`(WorkflowType ${is} "${search}" OR WorkflowID ${is} "${search}" OR RunID ${is} "${search}")`] : []),
    ...(status === undefined ? [] : [status === 'running' ? 'CloseTime = missing' : `CloseStatus = ${status}`]),
    ...(cron === undefined ? [] : [`IsCron = "${cron}"`]),
    ...(from ? [`StartTime > "${from}"`] : []),
    ...(to ? [`StartTime <= "${to}"`] : []),
  ];
  return `${clauses.length > 0 ? `${clauses.join(' AND ')} ` : ''}ORDER BY ${sort}`;
}

const list = (text: string, pageSize = 10, nextPageToken?: string): Promise<Answer> =>
  site.web.call('visibility', 'ListWorkflowExecutions', { domain: DOMAIN, pageSize, nextPageToken, query: text });
const idsOf = ({ executions }: Answer): string[] =>
  executions.map(({ workflowExecution }: Answer) => workflowExecution.workflowId);
const eventually = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 50 });
// It counts from completed = 0, as Thrift does: one less than protobuf.
const TERMINATED = 3;

describe('the list of workflows', () => {
  test('has all, newest first', async () => {
    await eventually(async () => expect(idsOf(await list(query({})))).toEqual([...ids].reverse()));
  });

  test('has of each what a row shows', async () => {
    await eventually(async () => {
      const { executions } = await list(query({ search: ids[1]! }));
      expect(executions).toHaveLength(1);
      const [row] = executions;
      expect(row).toMatchObject({
        workflowExecution: { workflowId: ids[1], runId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
        type: { name: 'cart' },
        closeStatus: 'WORKFLOW_EXECUTION_CLOSE_STATUS_TERMINATED',
        historyLength: expect.stringMatching(/^[1-9]\d*$/),
        taskList: TASK_LIST,
        isCron: false,
      });
      for (const time of [row.startTime, row.executionTime, row.updateTime, row.closeTime]) {
        expect(Math.abs(timeOf(time) - startedMs)).toBeLessThan(60_000);
      }
      expect(jsonOf(row.searchAttributes.indexedFields.CustomKeywordField.data)).toBe('green');
      expect(jsonOf(row.memo.fields.colour.data)).toBe('green');
    });
  });

  test('is searched by type, id and run id', async () => {
    const { executions } = await list(query({ search: ids[0]! }));
    const [row] = executions;
    expect(idsOf(await list(query({ search: row.workflowExecution.runId })))).toEqual([ids[0]]);
    expect(idsOf(await list(query({ search: 'cart' })))).toHaveLength(3);
    expect(idsOf(await list(query({ search: 'nothing' })))).toEqual([]);
  });

  test('is searched by a part of them', async () => {
    const part = ids[0]!.slice(5, 20);
    expect(idsOf(await list(query({ search: `%${part}%`, partial: true })))).toEqual([ids[0]]);
  });

  test('is narrowed by status, cron and time', async () => {
    await eventually(async () => {
      expect(idsOf(await list(query({ status: 'running' }))).sort()).toEqual([ids[0], ids[2]].sort());
      expect(idsOf(await list(query({ status: TERMINATED })))).toEqual([ids[1]]);
    });
    expect(idsOf(await list(query({ cron: true })))).toEqual([]);
    expect(idsOf(await list(query({ cron: false })))).toHaveLength(3);
    const before = new Date(startedMs - 60_000).toISOString();
    const after = new Date(startedMs + 60_000).toISOString();
    expect(idsOf(await list(query({ from: before, to: after, status: 'running', search: 'cart' })))).toHaveLength(2);
    expect(idsOf(await list(query({ from: after })))).toEqual([]);
  });

  test.each(['StartTime ASC', 'CloseTime DESC', 'WorkflowID ASC', 'WorkflowType DESC', 'RunID DESC'])(
    'is sorted by %s',
    async (sort) => {
      const found = idsOf(await list(query({ sort })));
      expect([...found].sort()).toEqual([...ids].sort());
      if (sort === 'StartTime ASC') expect(found).toEqual(ids);
      if (sort === 'WorkflowID ASC') expect(found).toEqual([...ids].sort());
    },
  );

  test('goes on by page', async () => {
    const first = await list(query({}), 2);
    const second = await list(query({}), 2, first.nextPageToken);
    expect([...idsOf(first), ...idsOf(second)]).toEqual([...ids].reverse());
  });

  test('takes a query that somebody wrote, and says what is wrong with another', async () => {
    const own = `CustomKeywordField = 'blue' and CloseTime = missing`;
    await eventually(async () => expect(idsOf(await list(own))).toEqual([ids[2]]));
    await expect(list('WorkflowType = ')).rejects.toMatchObject({ code: 3, message: expect.stringMatching(/./) });
  });

  test('is counted', async () => {
    const count = (text: string): Promise<Answer> =>
      site.web.call('visibility', 'CountWorkflowExecutions', { domain: DOMAIN, query: text });
    await eventually(async () => expect(await count(query({ status: 'running' }))).toEqual({ count: '2' }));
    expect(await count('WorkflowType="cart"')).toEqual({ count: '3' });
  });
});

describe('the basic lists', () => {
  const startTimeFilter = () => ({
    earliestTime: { seconds: Math.floor(startedMs / 1000) - 60, nanos: 0 },
    latestTime: { seconds: Math.floor(startedMs / 1000) + 60, nanos: 0 },
  });
  const open = (more: object = {}): Promise<Answer> =>
    site.web.call('visibility', 'ListOpenWorkflowExecutions', {
      domain: DOMAIN,
      pageSize: 10,
      nextPageToken: undefined,
      startTimeFilter: startTimeFilter(),
      ...more,
    });
  const closed = (more: object = {}): Promise<Answer> =>
    site.web.call('visibility', 'ListClosedWorkflowExecutions', {
      domain: DOMAIN,
      pageSize: 10,
      nextPageToken: undefined,
      startTimeFilter: startTimeFilter(),
      ...more,
    });

  test('have open and closed workflows apart', async () => {
    await eventually(async () => {
      expect(idsOf(await open()).sort()).toEqual([ids[0], ids[2]].sort());
      expect(idsOf(await closed())).toEqual([ids[1]]);
    });
    const [row] = (await open()).executions;
    expect([row.closeStatus, row.closeTime]).toEqual(['WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID', null]);
  });

  test('take a filter of one execution, of a type, of a status', async () => {
    const one = { filters: 'executionFilter', executionFilter: { workflowId: ids[0], runId: undefined } };
    expect(idsOf(await open(one))).toEqual([ids[0]]);
    expect(idsOf(await open({ filters: 'typeFilter', typeFilter: { name: 'nothing' } }))).toEqual([]);
    const status = (name: string) => ({
      filters: 'statusFilter',
      statusFilter: { status: `WORKFLOW_EXECUTION_CLOSE_STATUS_${name}` },
    });
    await eventually(async () => expect(idsOf(await closed(status('TERMINATED')))).toEqual([ids[1]]));
    expect(idsOf(await closed(status('COMPLETED')))).toEqual([]);
  });
});

test('the list of archived workflows of a domain that does not archive says so', async () => {
  const request = { domain: DOMAIN, pageSize: 10, nextPageToken: undefined, query: query({}) };
  await expect(site.web.call('visibility', 'ListArchivedWorkflowExecutions', request)).rejects.toMatchObject({
    code: 3,
    message: expect.stringMatching(/not configured for visibility archival|not configured for reading/),
  });
});

describe('the pages of task lists', () => {
  test('name those of the domain', async () => {
    const answer = await site.web.call('workflow', 'GetTaskListsByDomain', { domain: DOMAIN });
    const names = new Set([...Object.keys(answer.decisionTaskListMap), ...Object.keys(answer.activityTaskListMap)]);
    expect([...names]).toContain(TASK_LIST);
  });

  test.each(['DECISION', 'ACTIVITY'])('show the workers and the status of one: %s', async (type) => {
    const request = { domain: DOMAIN, taskList: { name: TASK_LIST }, taskListType: `TASK_LIST_TYPE_${type}` };
    const { pollers, taskListStatus } = await site.web.call('workflow', 'DescribeTaskList', request);
    if (type === 'DECISION') {
      expect(pollers.length).toBeGreaterThan(0);
      expect(pollers[0]).toMatchObject({ identity: expect.stringMatching(/./), ratePerSecond: expect.any(Number) });
      expect(Math.abs(timeOf(pollers[0].lastAccessTime) - Date.now())).toBeLessThan(60_000);
    }
    // Only asked for with include_task_list_status, which the page does not set.
    expect(taskListStatus === null || typeof taskListStatus.backlogCountHint === 'string').toBe(true);
  });
});
