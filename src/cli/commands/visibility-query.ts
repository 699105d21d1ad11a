// The query that filters of the command line mean, and pages of what it finds.
import {
  ListWorkflowExecutionsRequest,
  type ListWorkflowExecutionsResponse,
  type WorkflowExecutionInfo,
} from '@antiphon/proto';
import type { Connection } from '../connection.ts';
import { usageError } from '../failure.ts';
import { instant, on, text, type ValuesOf } from '../spec/flags.ts';

export const FILTER_FLAGS = {
  query: text('query q', `as "WorkflowType = 'order' AND CloseStatus = 'failed' ORDER BY StartTime DESC"`, 'query'),
  open: on('open op', 'only open runs'),
  closed: on('closed', 'only closed runs'),
  status: text(
    'status s',
    'only closed runs with this status: completed, failed, canceled, terminated, continued_as_new, timed_out',
    'status',
  ),
  workflowId: text('workflow-id w wid', 'only runs of this workflow id', 'id'),
  workflowType: text('workflow-type wt type', 'only runs of this type', 'name'),
  earliestTime: instant('earliest-time et', 'only runs that started at this time or later, or so long ago at most: 3h'),
  latestTime: instant('latest-time lt', 'only runs that started at this time or before'),
};

// Cadence's short forms.
const STATUSES: Readonly<Record<string, string>> = {
  c: 'COMPLETED',
  complete: 'COMPLETED',
  f: 'FAILED',
  fail: 'FAILED',
  cancel: 'CANCELED',
  term: 'TERMINATED',
  terminate: 'TERMINATED',
  cont: 'CONTINUED_AS_NEW',
  continue: 'CONTINUED_AS_NEW',
  continuedasnew: 'CONTINUED_AS_NEW',
  continueasnew: 'CONTINUED_AS_NEW',
  timedout: 'TIMED_OUT',
  timeout: 'TIMED_OUT',
};
const NAMES = ['COMPLETED', 'FAILED', 'CANCELED', 'TERMINATED', 'CONTINUED_AS_NEW', 'TIMED_OUT'];

function statusOf(typed: string): string {
  const status = STATUSES[typed.toLowerCase()] ?? typed.toUpperCase();
  if (!NAMES.includes(status)) {
    throw usageError(`--status is "${typed}": expected one of ${NAMES.join(', ').toLowerCase()}.`);
  }
  return status;
}

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;
const nanos = (unixMs: number): string => String(BigInt(Math.round(unixMs)) * 1_000_000n);

/** Where the ORDER BY of a query begins; -1 when it has none. Words inside quotes are no ORDER BY. */
function orderByAt(query: string): number {
  const unquoted = query.replace(/'[^']*'|"[^"]*"/g, (quotedText) => ' '.repeat(quotedText.length));
  return unquoted.search(/\border\s+by\b/i);
}

/** Conditions of the flags joined with the query's own, before its ORDER BY. */
export function queryOf(flags: ValuesOf<typeof FILTER_FLAGS>): string {
  if (flags.open && (flags.closed || flags.status !== undefined)) {
    throw usageError('--open goes with neither --closed nor --status: only closed runs have a status');
  }
  const conditions = [
    flags.open ? 'CloseTime = missing' : '',
    flags.closed ? 'CloseTime != missing' : '',
    flags.status === undefined ? '' : `CloseStatus = ${quoted(statusOf(flags.status))}`,
    flags.workflowId === undefined ? '' : `WorkflowID = ${quoted(flags.workflowId)}`,
    flags.workflowType === undefined ? '' : `WorkflowType = ${quoted(flags.workflowType)}`,
    flags.earliestTime === undefined ? '' : `StartTime >= ${nanos(flags.earliestTime)}`,
    flags.latestTime === undefined ? '' : `StartTime <= ${nanos(flags.latestTime)}`,
  ].filter(Boolean);
  const query = flags.query?.trim() ?? '';
  if (conditions.length === 0) return query;
  const orderAt = orderByAt(query);
  const [where, order] = orderAt === -1 ? [query, ''] : [query.slice(0, orderAt).trim(), query.slice(orderAt)];
  return [[...(where === '' ? [] : [`(${where})`]), ...conditions].join(' AND '), order].filter(Boolean).join(' ');
}

export type ListMethod = 'list' | 'scan' | 'archived';

/** Pages until the end. `pageSize` is the server's to lower. */
export async function* pagesOf(
  connection: Connection,
  method: ListMethod,
  request: { domain: string; query: string; pageSize: number },
): AsyncGenerator<readonly WorkflowExecutionInfo[], void> {
  const { visibility } = connection;
  const timeoutMs = 120_000; // as Cadence's CLI: a wide query takes its time
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const message = ListWorkflowExecutionsRequest.fromPartial({ ...request, nextPageToken });
    const page: ListWorkflowExecutionsResponse =
      method === 'archived'
        ? await visibility.listArchivedWorkflowExecutions(message, { timeoutMs })
        : method === 'scan'
          ? await visibility.scanWorkflowExecutions(message, { timeoutMs })
          : await visibility.listWorkflowExecutions(message, { timeoutMs });
    yield page.executions;
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

export interface FoundRun {
  readonly workflowId: string;
  readonly runId: string;
}

export const runNameOf = ({ workflowExecution }: WorkflowExecutionInfo): FoundRun => ({
  workflowId: workflowExecution?.workflowId ?? '',
  runId: workflowExecution?.runId ?? '',
});

/** Workflow ids that a query finds. */
export async function workflowIdsOf(connection: Connection, domain: string, query: string): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const page of pagesOf(connection, 'scan', { domain, query, pageSize: 1000 })) {
    for (const run of page) found.add(runNameOf(run).workflowId);
  }
  return found;
}
