// Calls on a run, with bad names, bad arguments and page tokens of others.
import { HistoryPageToken } from '@antiphon/proto/internal';
import { status } from '@grpc/grpc-js';
import {
  type BadInput,
  BLOB,
  bad,
  type Domains,
  type Expected,
  emptyStart,
  goodStart,
  LONG,
  list,
  missing,
  OTHER_RUN,
  RUN,
  row,
  text,
} from './row.ts';

export function runs(domains: Domains): BadInput[] {
  const noRun = { workflowId: 'nobody', runId: '' };
  const signal = { domain: 'shop', workflowExecution: noRun, signalName: 'paid' };
  const pageToken = (fields: Partial<HistoryPageToken>): Uint8Array =>
    HistoryPageToken.encode({
      ...HistoryPageToken.create(),
      domainId: domains.shop,
      workflowId: 'nobody',
      runId: RUN,
      ...fields,
    }).finish();
  const read = (name: string, nextPageToken: Uint8Array, expected: Expected): BadInput =>
    row(
      name,
      'workflow',
      'getWorkflowExecutionHistory',
      { domain: 'shop', workflowExecution: { workflowId: 'nobody', runId: RUN }, nextPageToken },
      expected,
    );
  const invalidToken = bad('Invalid NextPageToken.');
  return [
    row(
      'no execution',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: undefined },
      bad('Execution is not set on request.'),
    ),
    row(
      'no workflow id',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: { workflowId: '', runId: '' } },
      bad('WorkflowId is not set on request.'),
    ),
    row(
      'a run id that is no UUID',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, workflowExecution: { workflowId: 'w', runId: '../../etc' } },
      bad('Invalid RunId.'),
    ),
    row(
      'no signal name',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalName: '' },
      bad('SignalName is not set on request.'),
    ),
    row(
      'a signal name that is too long',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalName: LONG },
      bad('SignalName length exceeds limit.'),
    ),
    row(
      'a request id that is too long',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, requestId: LONG },
      bad('RequestID length exceeds limit.'),
    ),
    row(
      'an input over the blob limit',
      'workflow',
      'signalWorkflowExecution',
      { ...signal, signalInput: BLOB },
      bad('Blob data size exceeds limit.'),
    ),
    row('an unknown run', 'workflow', 'signalWorkflowExecution', signal, missing(/./)),
    row(
      'no start request',
      'workflow',
      'signalWithStartWorkflowExecution',
      { signalName: 'paid' },
      bad('StartRequest is not set on request.'),
    ),
    row(
      'no signal name',
      'workflow',
      'signalWithStartWorkflowExecution',
      { startRequest: { ...emptyStart, ...goodStart } },
      bad('SignalName is not set on request.'),
    ),
    row('no queue', 'workflow', 'startWorkflowExecutionAsync', { request: { ...emptyStart, ...goodStart } }, [
      status.FAILED_PRECONDITION,
      'FeatureNotEnabledError',
      /not enabled/,
    ]),
    row(
      'no execution',
      'workflow',
      'requestCancelWorkflowExecution',
      { domain: 'shop' },
      bad('Execution is not set on request.'),
    ),
    row(
      'a run id that is no UUID',
      'workflow',
      'terminateWorkflowExecution',
      { domain: 'shop', workflowExecution: { workflowId: 'w', runId: 'latest' } },
      bad('Invalid RunId.'),
    ),
    row(
      'an unknown run',
      'workflow',
      'terminateWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      missing(/./),
    ),
    row(
      'no event to reset to',
      'workflow',
      'resetWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      bad(/^Decision finish ID must be > 1/),
    ),
    row(
      'an event far away',
      'workflow',
      'resetWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun, decisionFinishEventId: 2n ** 62n },
      bad(/^Decision finish ID must be > 1/),
    ),
    row(
      'an unknown run',
      'workflow',
      'restartWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      bad('Requested workflow history not found, may have passed retention period.'),
    ),
    row(
      'an unknown run',
      'workflow',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun },
      missing(/./),
    ),
    row(
      'an unknown consistency',
      'workflow',
      'describeWorkflowExecution',
      { domain: 'shop', workflowExecution: noRun, queryConsistencyLevel: 5 as 1 },
      bad('5 is not a valid QueryConsistencyLevel.'),
    ),
    row(
      'no query',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun },
      bad('WorkflowQuery is not set on request.'),
    ),
    row(
      'a query without type',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun, query: { queryType: '', queryArgs: undefined } },
      bad('QueryType is not set on request.'),
    ),
    row(
      'arguments over the blob limit',
      'workflow',
      'queryWorkflow',
      { domain: 'shop', workflowExecution: noRun, query: { queryType: 'q', queryArgs: BLOB } },
      bad('Blob data size exceeds limit.'),
    ),
    row(
      'no type',
      'workflow',
      'describeTaskList',
      { domain: 'shop', taskList: list('orders') },
      bad('TaskListType is not set on request.'),
    ),
    row(
      'an unknown type',
      'workflow',
      'describeTaskList',
      { domain: 'shop', taskList: list('orders'), taskListType: 3 as 1 },
      bad('3 is not a valid TaskListType.'),
    ),
    row('no list', 'workflow', 'listTaskListPartitions', { domain: 'shop' }, bad('TaskList is not set on request.')),
    read('a page token that is garbage', Uint8Array.of(0xff, 1, 2, 3), invalidToken),
    read('a page token of text', text('{"RunID":"x"}'), invalidToken),
    read('a page token of another domain', pageToken({ domainId: domains.other }), invalidToken),
    read('a page token of another workflow', pageToken({ workflowId: 'somebody' }), invalidToken),
    read(
      'a page token of another run',
      pageToken({ runId: OTHER_RUN }),
      bad('RunID in the request does not match the NextPageToken.'),
    ),
    read('an archive token where there is no archive', pageToken({ archived: true, archiveKey: 'AAAA' }), invalidToken),
  ];
}
