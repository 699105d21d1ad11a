// Lists, domains, admin, what is not served, and bytes that are no request at all.
import { status } from '@grpc/grpc-js';
import { type BadInput, bad, type Expected, LONG, missing, row, seconds } from './row.ts';

export function lists(): BadInput[] {
  const range = { earliestTime: seconds(10), latestTime: seconds(20) };
  const reversed = { earliestTime: seconds(20), latestTime: seconds(10) };
  const failing = { domain: 'shop', startTimeFilter: range };
  const statusFilter = { $case: 'statusFilter', value: { status: 42 as 1 } } as const;
  return [
    row(
      'no time filter',
      'visibility',
      'listOpenWorkflowExecutions',
      { domain: 'shop' },
      bad('StartTimeFilter is required'),
    ),
    row(
      'no earliest time',
      'visibility',
      'listOpenWorkflowExecutions',
      { domain: 'shop', startTimeFilter: { earliestTime: undefined, latestTime: seconds(1) } },
      bad('EarliestTime in StartTimeFilter is required'),
    ),
    row(
      'no latest time',
      'visibility',
      'listClosedWorkflowExecutions',
      { domain: 'shop', startTimeFilter: { earliestTime: seconds(1), latestTime: undefined } },
      bad('LatestTime in StartTimeFilter is required'),
    ),
    row(
      'time backwards',
      'visibility',
      'listClosedWorkflowExecutions',
      { domain: 'shop', startTimeFilter: reversed },
      bad('EarliestTime in StartTimeFilter should not be larger than LatestTime'),
    ),
    row(
      'an unknown status',
      'visibility',
      'listClosedWorkflowExecutions',
      { ...failing, filters: statusFilter },
      bad('42 is not a valid WorkflowExecutionCloseStatus.'),
    ),
    row(
      'a page that is too large',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', pageSize: 10_001 },
      bad('Pagesize is larger than allow 10000'),
    ),
    row(
      'a query that does not parse',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: 'WorkflowType = = 5' },
      bad(/./),
    ),
    row(
      'a query on an unknown attribute',
      'visibility',
      'countWorkflowExecutions',
      { domain: 'shop', query: "Nope = 'x'" },
      bad(/invalid search attribute "Nope"/),
    ),
    row(
      'an injected query',
      'visibility',
      'scanWorkflowExecutions',
      { domain: 'shop', query: "WorkflowID = 'x' ; DROP TABLE executions" },
      bad(/./),
    ),
    row(
      'a query of a million brackets',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: '('.repeat(1_000_000) },
      bad(/^Query is longer than/),
    ),
    row(
      'a query of ten thousand brackets',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', query: '('.repeat(10_000) },
      bad(/./),
    ),
    row(
      'a page token that is garbage',
      'visibility',
      'listWorkflowExecutions',
      { domain: 'shop', nextPageToken: Uint8Array.of(0xff, 3) },
      bad(/NextPageToken/),
    ),
    row(
      'no archive',
      'visibility',
      'listArchivedWorkflowExecutions',
      { domain: 'shop', query: "WorkflowID = 'x'" },
      bad(/is not configured for visibility archival$/),
    ),
  ];
}

export function domainRows(): BadInput[] {
  const retention = { workflowExecutionRetentionPeriod: seconds(86_400) };
  const exists: Expected = [status.ALREADY_EXISTS, 'DomainAlreadyExistsError', /already exists/];
  return [
    row('no name', 'domain', 'registerDomain', retention, bad('Domain not set on request.')),
    row('a name with a slash', 'domain', 'registerDomain', { name: '../shop', ...retention }, bad(/./)),
    row(
      'a name that is too long',
      'domain',
      'registerDomain',
      { name: LONG, ...retention },
      bad('Domain length exceeds limit.'),
    ),
    row(
      'no retention',
      'domain',
      'registerDomain',
      { name: 'fresh' },
      bad('A valid retention period is not set on request.'),
    ),
    row(
      'a year of retention',
      'domain',
      'registerDomain',
      { name: 'fresh', workflowExecutionRetentionPeriod: seconds(365 * 86_400) },
      bad('RetentionDays is invalid.'),
    ),
    row('a name that is taken', 'domain', 'registerDomain', { name: 'shop', ...retention }, exists),
    row(
      'a region that does not exist',
      'domain',
      'registerDomain',
      { name: 'fresh', ...retention, isGlobalDomain: true, activeClusterName: 'mars' },
      bad(/mars/),
    ),
    row('nothing to describe', 'domain', 'describeDomain', {}, bad('Domain not set on request.')),
    row(
      'an unknown domain',
      'domain',
      'describeDomain',
      { describeBy: { $case: 'name', value: 'nowhere' } },
      missing('Domain nowhere does not exist.'),
    ),
    row(
      'an unknown domain',
      'domain',
      'updateDomain',
      { name: 'nowhere', updateMask: ['description'] },
      missing('Domain nowhere does not exist.'),
    ),
    row('no target', 'domain', 'failoverDomain', { domainName: 'shop' }, bad(/must be provided to failover/)),
    row('a domain in use', 'domain', 'deleteDomain', { name: 'shop' }, bad(/deprecated/)),
    row('no domain', 'domain', 'listFailoverHistory', {}, bad(/./)),
  ];
}

export function strange(): BadInput[] {
  const bytes = (name: string, path: string, sent: Buffer, code: number, message: RegExp): BadInput => ({
    name,
    path,
    bytes: sent,
    code,
    detail: undefined,
    text: message,
    timeoutMs: 5000,
  });
  const api = '/uber.cadence.api.v1.';
  return [
    row('no id', 'schedule', 'createSchedule', { domain: 'shop' }, bad('ScheduleId is not set on request.')),
    row(
      'no spec',
      'schedule',
      'createSchedule',
      { domain: 'shop', scheduleId: 's' },
      bad('Spec is not set on request.'),
    ),
    row('no id', 'schedule', 'describeSchedule', { domain: 'shop' }, bad('ScheduleId is not set on request.')),
    row(
      'unknown',
      'schedule',
      'describeSchedule',
      { domain: 'shop', scheduleId: 's' },
      missing('schedule "s" not found in domain "shop"'),
    ),
    row(
      'unknown',
      'schedule',
      'deleteSchedule',
      { domain: 'shop', scheduleId: 's' },
      missing('schedule "s" not found in domain "shop"'),
    ),
    row(
      'nothing to do',
      'schedule',
      'updateSchedule',
      { domain: 'shop', scheduleId: 's' },
      bad('None of Spec, Action, Policies and SearchAttributes is set on request.'),
    ),
    row(
      'unknown',
      'schedule',
      'pauseSchedule',
      { domain: 'shop', scheduleId: 's' },
      missing('schedule "s" not found in domain "shop"'),
    ),
    row(
      'unknown',
      'schedule',
      'unpauseSchedule',
      { domain: 'shop', scheduleId: 's' },
      missing('schedule "s" not found in domain "shop"'),
    ),
    row(
      'no times',
      'schedule',
      'backfillSchedule',
      { domain: 'shop', scheduleId: 's' },
      bad('A valid StartTime is not set on request.'),
    ),
    row('no domain', 'schedule', 'listSchedules', {}, bad('Domain not set on request.')),
    row(
      'a token of nobody',
      'schedule',
      'listSchedules',
      { domain: 'shop', nextPageToken: Buffer.from('nonsense') },
      bad(/[Tt]oken/),
    ),
    row(
      'a list of the service',
      'worker',
      'pollForDecisionTask',
      { domain: 'shop', taskList: { name: 'cadence-scheduler', kind: 1, baseName: '' } },
      bad('Task list cadence-scheduler is worked by the service itself: choose another name.'),
    ),
    row(
      'no execution',
      'workflow',
      'diagnoseWorkflowExecution',
      { domain: 'shop' },
      bad('Execution is not set on request.'),
    ),
    row('no such shard', 'admin', 'closeShard', { shardId: 99 }, bad('Shard 99 does not exist.')),
    row(
      'a run id that is no UUID',
      'admin',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: { workflowId: 'w', runId: 'x' } },
      bad('Invalid RunId.'),
    ),
    bytes('no such method', `${api}WorkflowAPI/FormatDisk`, Buffer.alloc(0), status.UNIMPLEMENTED, /FormatDisk/),
    bytes(
      'bytes that are no message',
      `${api}WorkflowAPI/StartWorkflowExecution`,
      Buffer.from([0xff, 0xff]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'bytes that end too early',
      `${api}WorkerAPI/PollForDecisionTask`,
      Buffer.from([0x0a, 0x05, 0x61]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'text that is no UTF-8',
      `${api}DomainAPI/RegisterDomain`,
      Buffer.from([0x12, 0x02, 0xc3, 0x28]),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'groups without end',
      `${api}VisibilityAPI/ListWorkflowExecutions`,
      Buffer.alloc(1 << 20, 0x0b),
      status.INVALID_ARGUMENT,
      /cannot be decoded/,
    ),
    bytes(
      'a message over the limit',
      `${api}WorkflowAPI/SignalWorkflowExecution`,
      Buffer.alloc(33 << 20),
      status.RESOURCE_EXHAUSTED,
      /larger than max/,
    ),
  ];
}
