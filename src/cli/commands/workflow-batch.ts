// workflow batch: one operation on all runs that a query finds, done by a system workflow that goes on when this process ends. Jobs are runs of
// `cadence-sys-batch-workflow` in the domain `cadence-batcher`, as Cadence's CLI starts them, so either of the two sees the other's jobs.
import { randomUUID } from 'node:crypto';
import {
  CountWorkflowExecutionsRequest,
  DescribeWorkflowExecutionRequest,
  EventFilterType,
  GetWorkflowExecutionHistoryRequest,
  type Payload,
  StartWorkflowExecutionRequest,
  TerminateWorkflowExecutionRequest,
} from '@antiphon/proto';
import type { Command } from 'commander';
import { RESET_TYPES } from '#rpc';
import type { Connection } from '../connection.ts';
import { usageError } from '../failure.ts';
import { jsonValues } from '../payload.ts';
import { addCommand, addGroup } from '../spec/command.ts';
import { on, oneOf, or, required, text, type ValuesOf, whole } from '../spec/flags.ts';
import { decodePayload } from '../ui/plain.ts';
import { confirm } from '../ui/prompt.ts';
import { wireDuration } from '../wire-time.ts';
import { identity, operator } from './run-flags.ts';
import { pagesOf, runNameOf } from './visibility-query.ts';
import { statusName } from './workflow-describe.ts';

const DOMAIN = 'cadence-batcher';
const TASK_LIST = 'cadence-sys-batcher-tasklist';
const WORKFLOW_TYPE = 'cadence-sys-batch-workflow';
const TWENTY_YEARS_SECONDS = 20 * 365 * 86_400;

const jobId = required(text('job-id jid', 'id of the job, as "batch start" prints it', 'id'));

const START_FLAGS = {
  query: required(text('query q', 'the runs', 'query')),
  batchType: required(
    oneOf('batch-type bt', 'what is done to each', ['terminate', 'cancel', 'signal', 'reset', 'replicate']),
  ),
  reason: required(text('reason re', 'why')),
  signalName: text('signal-name sn', 'with signal: its name', 'name'),
  input: text('input i in', 'with signal: its JSON values', 'json'),
  resetType: oneOf('reset-type', 'with reset: where to go back to', RESET_TYPES),
  skipSignalReapply: on('skip-signal-reapply', 'with reset: do not apply later signals again'),
  sourceCluster: text('source-cluster sc', 'with replicate: from this region', 'name'),
  targetCluster: text('target-cluster tc', 'with replicate: to this region', 'name'),
  rps: or(whole('rps', 'runs in a second, at most'), 50),
  concurrency: or(whole('concurrency', 'runs at once'), 5),
  pagesize: or(whole('pagesize', 'runs that are looked up at once'), 1000),
  retryAttempts: or(whole('retry-attempts', 'attempts for each run'), 50),
  heartBeatTimeoutSeconds: or(
    whole('heart-beat-timeout-seconds hbt', 'a job that is silent so long is taken over'),
    10,
  ),
  maxActivityRetries: or(whole('max-activity-retries', 'attempts of the job as a whole'), 4),
  yes: on('yes y', 'do not ask'),
};
type StartValues = ValuesOf<typeof START_FLAGS>;

/** The input of the system workflow; names and units (durations in nanoseconds) are Cadence's. */
function batchParams(domain: string, flags: StartValues): object {
  const need = (value: string | undefined, flag: string): string => {
    if (!value) throw usageError(`--batch-type ${flags.batchType} needs --${flag}`);
    return value;
  };
  const isSignal = flags.batchType === 'signal';
  const isReplicate = flags.batchType === 'replicate';
  return {
    DomainName: domain,
    Query: flags.query,
    Reason: flags.reason,
    BatchType: flags.batchType,
    TerminateParams: { TerminateChildren: null },
    CancelParams: { CancelChildren: null },
    SignalParams: {
      SignalName: isSignal ? need(flags.signalName, 'signal-name') : '',
      Input: isSignal ? jsonValues(flags.input ?? '').join('\n') : '',
    },
    ReplicateParams: {
      SourceCluster: isReplicate ? need(flags.sourceCluster, 'source-cluster') : '',
      TargetCluster: isReplicate ? need(flags.targetCluster, 'target-cluster') : '',
    },
    ...(flags.batchType === 'reset'
      ? { ResetParams: { ResetType: need(flags.resetType, 'reset-type'), SkipSignalReapply: flags.skipSignalReapply } }
      : {}),
    RPS: flags.rps,
    Concurrency: flags.concurrency,
    PageSize: flags.pagesize,
    AttemptsOnRetryableError: flags.retryAttempts,
    ActivityHeartBeatTimeout: flags.heartBeatTimeoutSeconds * 1e9,
    MaxActivityRetries: flags.maxActivityRetries,
  };
}

const json = (value: unknown): { data: Uint8Array } => ({ data: Buffer.from(JSON.stringify(value)) });

export function addBatchCommands(workflow: Command): void {
  const batch = addGroup(workflow, {
    name: 'batch',
    summary: 'one operation on all runs that a query finds, on the server',
  });
  addStart(batch);
  addLook(batch);
}

function addStart(batch: Command): void {
  addCommand(batch, {
    name: 'start',
    summary: 'start a job; says how many runs there are, and asks',
    examples: [
      `workflow batch start -q "WorkflowType = 'order' AND CloseTime = missing" --batch-type terminate --reason "wrong input"`,
      `workflow batch start -q "CustomKeywordField = 'blue'" --bt signal --signal-name stop -i '""' --reason stop --rps 10 --yes`,
    ],
    flags: START_FLAGS,
    async run({ flags, context, connection }) {
      const { domain } = context;
      const params = batchParams(domain, flags);
      const { count } = await connection.visibility.countWorkflowExecutions(
        CountWorkflowExecutionsRequest.fromPartial({ domain, query: flags.query }),
      );
      if (count === 0n) {
        context.output.done(`no runs of domain ${domain} match: no job was started`, { runs: 0 });
        return;
      }
      const question = `${flags.batchType} ${count} ${count === 1n ? 'run' : 'runs'} of domain ${domain}?`;
      await confirm(question, { yes: flags.yes, inScripts: 'ask' });
      const workflowId = randomUUID();
      await connection.workflow.startWorkflowExecution(
        StartWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          requestId: randomUUID(),
          workflowId,
          workflowType: { name: WORKFLOW_TYPE },
          taskList: { name: TASK_LIST },
          input: json(params),
          identity,
          executionStartToCloseTimeout: wireDuration(TWENTY_YEARS_SECONDS),
          taskStartToCloseTimeout: wireDuration(10),
          retryPolicy: {
            initialInterval: wireDuration(10),
            backoffCoefficient: 1.7,
            maximumInterval: wireDuration(300),
            expirationInterval: wireDuration(TWENTY_YEARS_SECONDS),
            nonRetryableErrorReasons: ['non-retriable-error'],
          },
          memo: { fields: { Reason: json(flags.reason) } },
          searchAttributes: { indexedFields: { CustomDomain: json(domain), Operator: json(operator()) } },
        }),
      );
      context.output.done(
        `started job ${workflowId} on ${count} runs: antiphon workflow batch describe ${workflowId}`,
        {
          jobId: workflowId,
          runs: Number(count),
        },
      );
    },
  });
}

/** The counts of a job that is done, or why it failed. */
async function endOf(
  connection: Connection,
  workflowId: string,
): Promise<{ result?: Payload | undefined; reason?: string | undefined }> {
  const { history } = await connection.workflow.getWorkflowExecutionHistory(
    GetWorkflowExecutionHistoryRequest.fromPartial({
      domain: DOMAIN,
      workflowExecution: { workflowId },
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
    }),
  );
  const close = history?.events.at(-1)?.attributes;
  switch (close?.$case) {
    case 'workflowExecutionCompletedEventAttributes':
      return { result: close.value.result };
    case 'workflowExecutionFailedEventAttributes':
      return { reason: close.value.failure?.reason };
    case 'workflowExecutionTerminatedEventAttributes':
      return { reason: close.value.reason };
    default:
      return {};
  }
}

function addLook(batch: Command): void {
  addCommand(batch, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'how far a job is',
    flags: { jobId },
    positional: ['jobId'],
    async run({ flags, context, connection }) {
      const { workflowExecutionInfo, pendingActivities } = await connection.workflow.describeWorkflowExecution(
        DescribeWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowExecution: { workflowId: flags.jobId },
        }),
      );
      const end = workflowExecutionInfo?.closeTime === undefined ? undefined : await endOf(connection, flags.jobId);
      const details = end?.result?.data ?? pendingActivities[0]?.heartbeatDetails?.data;
      context.output.record({
        jobId: flags.jobId,
        status: statusName(workflowExecutionInfo),
        started: workflowExecutionInfo?.startTime,
        closed: workflowExecutionInfo?.closeTime,
        progress: details === undefined ? undefined : decodePayload(details),
        lastFailure: end?.reason ?? pendingActivities[0]?.lastFailure?.reason,
      });
    },
  });
  addCommand(batch, {
    name: 'list',
    aliases: ['l'],
    summary: 'jobs of the domain, newest first',
    flags: { pagesize: or(whole('pagesize ps', 'at most so many'), 30) },
    async run({ flags, context, connection }) {
      const query = `CustomDomain = '${context.domain.replaceAll("'", "''")}'`;
      const { value: jobs } = await pagesOf(connection, 'list', {
        domain: DOMAIN,
        query,
        pageSize: flags.pagesize,
      }).next();
      const rows = (jobs ?? []).map((info) => ({
        jobId: runNameOf(info).workflowId,
        status: statusName(info),
        started: info.startTime,
        closed: info.closeTime,
        operator: info.searchAttributes?.indexedFields.Operator,
        reason: info.memo?.fields.Reason,
      }));
      context.output.rows(['jobId', 'status', 'started', 'closed', 'operator', 'reason'], rows, 'No jobs.');
    },
  });
  addCommand(batch, {
    name: 'terminate',
    aliases: ['term'],
    summary: 'stop a job; what it has done stays done',
    flags: { jobId, reason: required(text('reason re', 'why')) },
    positional: ['jobId'],
    async run({ flags, context, connection }) {
      await connection.workflow.terminateWorkflowExecution(
        TerminateWorkflowExecutionRequest.fromPartial({
          domain: DOMAIN,
          workflowExecution: { workflowId: flags.jobId },
          reason: flags.reason,
          identity,
        }),
      );
      context.output.done(`stopped job ${flags.jobId}`, { jobId: flags.jobId });
    },
  });
}
