// workflow reset and reset-batch: new runs from a point of old ones.
import { randomUUID } from 'node:crypto';
import {
  DecisionTaskFailedCause,
  DescribeWorkflowExecutionRequest,
  ResetWorkflowExecutionRequest,
  WorkflowExecutionCloseStatus,
} from '@antiphon/proto';
import type { Command } from 'commander';
import { RESET_TYPES, type ResetHow } from '#rpc';
import type { Connection } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CliError, isServiceError, usageError } from '../failure.ts';
import { readFile } from '../payload.ts';
import { addCommand } from '../spec/command.ts';
import { instant, on, oneOf, or, required, text, type ValuesOf, whole } from '../spec/flags.ts';
import { eventType } from '../ui/event-line.ts';
import { confirm } from '../ui/prompt.ts';
import { historyEvents, type RunName } from './follow.ts';
import { type RunPoint, resetHowOf, resetPointOf } from './reset-point.ts';
import { operator, RUN_FLAGS, runOf } from './run-flags.ts';
import { type FoundRun, pagesOf, runNameOf, workflowIdsOf } from './visibility-query.ts';

const RESET_FLAGS = {
  resetType: oneOf('reset-type', 'where to go back to', RESET_TYPES),
  decisionOffset: or(whole('decision-offset', 'with a type of Last…: so many decisions earlier, as -1'), 0),
  resetBadBinaryChecksum: text('reset-bad-binary-checksum', 'with BadBinary: the binary'),
  earliestTime: instant('earliest-time et', 'with DecisionCompletedTime: the first decision from this time on'),
  skipSignalReapply: on('skip-signal-reapply skip-signals', 'do not apply the signals after that point again'),
  reason: required(text('reason re', 'why')),
};

async function reset(
  { context, connection }: { context: CliContext; connection: Connection },
  point: RunPoint,
  flags: { reason: string; skipSignalReapply: boolean },
): Promise<string> {
  const response = await connection.workflow.resetWorkflowExecution(
    ResetWorkflowExecutionRequest.fromPartial({
      domain: context.domain,
      workflowExecution: point.run,
      reason: `${operator()}:${flags.reason}`,
      decisionFinishEventId: BigInt(point.eventId),
      requestId: randomUUID(),
      skipSignalReapply: flags.skipSignalReapply,
    }),
  );
  return response.runId;
}

const TO = { 'first-decision': 'FirstDecisionCompleted', 'last-decision': 'LastDecisionCompleted' } as const;

export function addResetCommands(workflow: Command): void {
  addCommand(workflow, {
    name: 'reset',
    aliases: ['rs'],
    summary: 'start a new run from a point of an old one',
    details: 'Without an event id or a type it goes back to the last completed decision.',
    examples: [
      'workflow reset order-1 --reason "fixed the worker"',
      'workflow reset -w order-1 --event-id 12 --reason "try again"',
      'workflow reset order-1 --reset-type DecisionCompletedTime --earliest-time 2h --reason "bad deploy"',
    ],
    flags: {
      ...RUN_FLAGS,
      eventId: whole('event-id eid', 'a DecisionTaskCompleted, Failed, TimedOut or Started event'),
      to: oneOf('to', 'short for the two common types', ['first-decision', 'last-decision']),
      ...RESET_FLAGS,
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const run = runOf(flags);
      if (flags.eventId !== undefined && flags.eventId <= 0) throw usageError('--event-id must be 1 or more');
      const how = resetHowOf(flags, flags.resetType ?? (flags.to ? TO[flags.to] : 'LastDecisionCompleted'));
      const isByType = flags.resetType !== undefined || flags.eventId === undefined;
      const point = isByType
        ? await resetPointOf({ context, connection }, run, how)
        : { run, eventId: flags.eventId as number };
      const runId = await reset({ context, connection }, point, flags);
      const { workflowId } = flags;
      context.output.done(`reset ${workflowId} to event ${point.eventId}: new run ${runId}`, { workflowId, runId });
    },
  });
  addResetBatch(workflow);
}

const BATCH_FLAGS = {
  ...RESET_FLAGS,
  query: text('query q lq', 'reset the runs that this query finds', 'query'),
  inputFile: text(
    'input-file if',
    'reset the runs of this file: a workflow id a line, and a run id after a tab',
    'file',
  ),
  inputSeparator: or(text('input-separator', 'what is between the two', 'separator'), '\t'),
  excludeFile: text('exclude-file', 'leave out the workflow ids of this file', 'file'),
  excludeQuery: text('exclude-query', 'leave out the workflow ids that this query finds', 'query'),
  inputParallelism: or(whole('input-parallelism input-parallism', 'so many at once'), 1),
  skipCurrentOpen: on('skip-current-open', 'leave out workflows whose current run is open'),
  skipCurrentCompleted: on('skip-current-completed', 'leave out workflows whose current run completed'),
  skipBaseIsNotCurrent: on('skip-base-is-not-current', 'leave out runs that are not the current one'),
  onlyNonDeterministic: on('only-non-deterministic', 'only runs whose last decision failed by non-determinism'),
  dryRun: on('dry-run', 'only say what would be done'),
  yes: on('yes y', 'do not ask'),
};
type BatchValues = ValuesOf<typeof BATCH_FLAGS>;

function addResetBatch(workflow: Command): void {
  addCommand(workflow, {
    name: 'reset-batch',
    summary: 'reset many runs, from this process',
    details:
      'Prints a line a run, and goes on after a failure; exits with 1 when one failed. ' +
      'For very many runs see "workflow batch start": it goes on when this process ends.',
    examples: [
      `workflow reset-batch -q "CloseStatus = 'failed'" --reset-type LastDecisionCompleted --reason fixed --dry-run`,
    ],
    flags: { ...BATCH_FLAGS, resetType: required(RESET_FLAGS.resetType) },
    async run({ flags, context, connection }) {
      const how = resetHowOf(flags, flags.resetType);
      if (flags.excludeFile !== undefined && flags.excludeQuery !== undefined) {
        throw usageError('give one of --exclude-file and --exclude-query, not both');
      }
      const server = { context, connection };
      const runs = await runsToReset(server, flags);
      if (!flags.dryRun) await confirm(`Reset ${runs.length} runs?`, { yes: flags.yes, inScripts: 'go-on' });
      const counts = { reset: 0, skipped: 0, failed: 0 };
      const queue = [...runs];
      const lane = async (): Promise<void> => {
        for (let run = queue.shift(); run; run = queue.shift()) counts[await resetOne(server, run, how, flags)]++;
      };
      await Promise.all(Array.from({ length: Math.max(1, flags.inputParallelism) }, lane));
      context.output.note(
        `${counts.reset} ${flags.dryRun ? 'would be ' : ''}reset, ${counts.skipped} left out, ${counts.failed} failed`,
      );
      if (counts.failed > 0) throw new CliError(`${counts.failed} of ${runs.length} runs were not reset`);
    },
  });
}

type Server = { context: CliContext; connection: Connection };

function linesOf(file: string, separator: string): readonly FoundRun[] {
  return readFile(file)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [workflowId = '', runId = ''] = line.split(separator).map((column) => column.trim());
      return { workflowId, runId };
    });
}

async function runsToReset({ context, connection }: Server, flags: BatchValues): Promise<readonly FoundRun[]> {
  const { query, inputFile, excludeFile, excludeQuery, inputSeparator } = flags;
  if (query === undefined && inputFile === undefined) throw usageError('say which runs: give --query or --input-file');
  const excluded =
    excludeQuery !== undefined
      ? await workflowIdsOf(connection, context.domain, excludeQuery)
      : new Set(excludeFile === undefined ? [] : linesOf(excludeFile, inputSeparator).map((run) => run.workflowId));
  const found: FoundRun[] = [];
  if (inputFile !== undefined) found.push(...linesOf(inputFile, inputSeparator));
  else {
    const request = { domain: context.domain, query: query ?? '', pageSize: 1000 };
    for await (const page of pagesOf(connection, 'scan', request)) found.push(...page.map(runNameOf));
  }
  return found.filter((run) => !excluded.has(run.workflowId));
}

async function resetOne(
  server: Server,
  given: RunName,
  how: ResetHow,
  flags: BatchValues,
): Promise<'reset' | 'skipped' | 'failed'> {
  const { context } = server;
  const tell = (what: string, value: object): void =>
    context.output.line(`${given.workflowId} ${given.runId}: ${what}`, { ...given, ...value });
  try {
    const { run, reason } = await skipReason(server, given, flags);
    if (reason !== undefined) {
      tell(`left out: ${reason}`, { skipped: reason });
      return 'skipped';
    }
    const point = await resetPointOf(server, run, how);
    if (flags.dryRun) {
      tell(`would go back to event ${point.eventId} of run ${point.run.runId}`, { eventId: point.eventId });
    } else {
      const runId = await reset(server, point, flags);
      tell(`new run ${runId}`, { eventId: point.eventId, newRunId: runId });
    }
    return 'reset';
  } catch (error) {
    if (!isServiceError(error) && !(error instanceof CliError)) throw error;
    tell(`failed: ${error.message}`, { error: error.message });
    return 'failed';
  }
}

async function skipReason(
  { context, connection }: Server,
  given: RunName,
  flags: BatchValues,
): Promise<{ run: RunName; reason?: string }> {
  const { workflowExecutionInfo: current } = await connection.workflow.describeWorkflowExecution(
    DescribeWorkflowExecutionRequest.fromPartial({
      domain: context.domain,
      workflowExecution: { workflowId: given.workflowId },
    }),
  );
  const currentRunId = current?.workflowExecution?.runId ?? '';
  const run = given.runId === '' ? { ...given, runId: currentRunId } : given;
  if (flags.skipBaseIsNotCurrent && run.runId !== currentRunId) return { run, reason: 'it is not the current run' };
  const status = current?.closeStatus ?? 0;
  if (flags.skipCurrentOpen && status === 0) return { run, reason: 'the current run is open' };
  const { WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED } = WorkflowExecutionCloseStatus;
  if (flags.skipCurrentCompleted && status === WORKFLOW_EXECUTION_CLOSE_STATUS_COMPLETED) {
    return { run, reason: 'the current run completed' };
  }
  if (flags.onlyNonDeterministic && !(await isNonDeterministic({ context, connection }, run))) {
    return { run, reason: 'its last decision did not fail by non-determinism' };
  }
  return { run };
}

async function isNonDeterministic({ context, connection }: Server, run: RunName): Promise<boolean> {
  let isIt = false;
  for await (const event of historyEvents(context, connection, run, false)) {
    if (eventType(event) === 'DecisionTaskCompleted') isIt = false;
    if (event.attributes?.$case !== 'decisionTaskFailedEventAttributes') continue;
    const { cause, failure } = event.attributes.value;
    isIt =
      cause === DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE ||
      Buffer.from(failure?.details ?? []).includes('nondeterministic');
  }
  return isIt;
}
