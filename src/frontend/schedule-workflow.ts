// The system workflow of a schedule as the API drives it: start, signal, query, end. A schedule exists as long as its workflow is open.
import {
  type Memo,
  QueryConsistencyLevel,
  QueryRejectCondition,
  type SearchAttributes,
  StartWorkflowExecutionRequest,
  type WorkflowExecutionInfo,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import {
  badRequest,
  EntityNotExistsError,
  internalService,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
} from '#base';
import {
  type DomainView,
  durationOf,
  SCHEDULE_QUERY,
  type ScheduleCommand,
  type ScheduleDefinition,
  type ScheduleInput,
  type ScheduleState,
  scheduleSignal,
} from '#core';
import { SCHEDULER } from '#domains';
import { sleep } from '#env';
import type { CallContext, RunRef } from '#rpc';
import type { FrontendDeps } from './ports.ts';

type Deps = Pick<FrontendDeps, 'env' | 'history'>;

export interface OpenSchedule {
  readonly definition: ScheduleDefinition;
  readonly state: ScheduleState;
  readonly execution: WorkflowExecutionInfo | undefined;
}

export interface ScheduleWorkflows {
  start(domain: DomainView, input: ScheduleInput, labels: ScheduleLabels): Promise<void>;
  signal(domain: DomainView, scheduleId: string, command: ScheduleCommand, identity: string): Promise<void>;
  describe(domain: DomainView, scheduleId: string, context: CallContext): Promise<OpenSchedule>;
  /** Returns when the schedule is gone. */
  end(domain: DomainView, scheduleId: string, context: CallContext): Promise<void>;
}

export interface ScheduleLabels {
  readonly memo: Memo | undefined;
  readonly searchAttributes: SearchAttributes;
}

// As long as the wire can say: a schedule does not end by itself.
const EXECUTION_SECONDS = 2 ** 31 - 1;
const TASK_SECONDS = 10;
const DEFAULT_WAIT_MS = 10_000;
const END_WAIT_MS = 5_000;
const IDENTITY = 'cadence-frontend';
// A run takes one consistent query at a time.
const QUERY_ATTEMPTS_MAX = 20;
const QUERY_PAUSE_MS = 50;

const json = (value: unknown) => ({ data: Buffer.from(`${JSON.stringify(value)}\n`, 'utf8') });

export const scheduleWorkflowId = (scheduleId: string): string => `${SCHEDULER}:${scheduleId}`;
export const scheduleIdOf = (workflowId: string): string => workflowId.slice(SCHEDULER.length + 1);

const notFound = (scheduleId: string, domain: DomainView): EntityNotExistsError =>
  new EntityNotExistsError(`schedule "${scheduleId}" not found in domain "${domain.name}"`);

const isGone = (error: unknown): boolean =>
  error instanceof ServiceError &&
  (error.kind === 'EntityNotExists' || error.kind === 'WorkflowExecutionAlreadyCompleted');

export function createScheduleWorkflows({ env, history }: Deps): ScheduleWorkflows {
  const runOf = (domain: DomainView, scheduleId: string): RunRef => ({
    domainId: domain.id,
    workflowId: scheduleWorkflowId(scheduleId),
    runId: '',
  });

  const signal: ScheduleWorkflows['signal'] = async (domain, scheduleId, command, identity) => {
    const { kind, ...fields } = command;
    const request = { signalName: scheduleSignal(kind), input: json(fields), identity, requestId: env.random.uuid() };
    try {
      await history.signalWorkflow(runOf(domain, scheduleId), request);
    } catch (error) {
      throw isGone(error) ? notFound(scheduleId, domain) : error;
    }
  };

  /** The newest run of the schedule's workflow, when it is open. */
  const openRun = async (domain: DomainView, scheduleId: string): Promise<WorkflowExecutionInfo> => {
    let execution: WorkflowExecutionInfo | undefined;
    try {
      execution = (await history.describeWorkflow(runOf(domain, scheduleId))).workflowExecutionInfo;
    } catch (error) {
      if (!(error instanceof EntityNotExistsError)) throw error;
    }
    if (execution === undefined || execution.closeTime !== undefined || execution.type?.name !== SCHEDULER) {
      throw notFound(scheduleId, domain);
    }
    return execution;
  };

  const query = async (domain: DomainView, scheduleId: string, context: CallContext): Promise<Uint8Array> => {
    const deadlineMs = context.deadlineMs ?? env.clock.nowMs() + DEFAULT_WAIT_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        const { queryResult } = await history.queryWorkflow(
          runOf(domain, scheduleId),
          { queryType: SCHEDULE_QUERY, queryArgs: undefined },
          {
            rejectCondition: QueryRejectCondition.QUERY_REJECT_CONDITION_INVALID,
            // What was signalled before is in the answer; the passive region answers what it knows.
            consistency: domain.isActiveHere
              ? QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG
              : QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL,
            deadlineMs,
            signal: context.signal,
          },
        );
        if (queryResult === undefined) throw internalService('the schedule did not answer');
        return queryResult.data;
      } catch (error) {
        const isBusy = error instanceof ServiceError && error.kind === 'InternalService';
        if (!isBusy || attempt >= QUERY_ATTEMPTS_MAX || context.signal.aborted) throw error;
        await sleep(env.scheduler, QUERY_PAUSE_MS, context.signal);
      }
    }
  };

  return {
    async start(domain, input, { memo, searchAttributes }) {
      const request = StartWorkflowExecutionRequest.fromPartial({
        domain: domain.name,
        workflowId: scheduleWorkflowId(input.scheduleId),
        workflowType: { name: SCHEDULER },
        taskList: { name: SCHEDULER },
        input: json(input),
        executionStartToCloseTimeout: durationOf(EXECUTION_SECONDS),
        taskStartToCloseTimeout: durationOf(TASK_SECONDS),
        identity: IDENTITY,
        requestId: env.random.uuid(),
        workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
        memo,
        searchAttributes,
      });
      try {
        await history.startWorkflow(request, { domainId: domain.id });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw badRequest(`schedule "${input.scheduleId}" already exists in domain "${domain.name}"`);
      }
    },

    signal,

    async describe(domain, scheduleId, context) {
      const execution = await openRun(domain, scheduleId);
      const answer = JSON.parse(Buffer.from(await query(domain, scheduleId, context)).toString('utf8')) as OpenSchedule;
      return { definition: answer.definition, state: answer.state, execution };
    },

    async end(domain, scheduleId, context) {
      await openRun(domain, scheduleId);
      await signal(domain, scheduleId, { kind: 'delete' }, IDENTITY);
      const run = runOf(domain, scheduleId);
      const untilMs = Math.min(env.clock.nowMs() + END_WAIT_MS, context.deadlineMs ?? Number.POSITIVE_INFINITY);
      for (;;) {
        const hasEnded = await hasClosed(history, run, { deadlineMs: untilMs, signal: context.signal });
        if (hasEnded) return;
        if (env.clock.nowMs() >= untilMs || context.signal.aborted) break;
      }
      // Its worker is late or away: the schedule must not outlive the answer.
      try {
        await history.terminateWorkflow(run, {
          reason: 'schedule deleted',
          identity: IDENTITY,
          firstExecutionRunId: '',
        });
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
}

async function hasClosed(
  history: FrontendDeps['history'],
  run: RunRef,
  wait: { deadlineMs: number; signal: AbortSignal },
): Promise<boolean> {
  const { workflowExecutionInfo } = await history.describeWorkflow(run);
  if (workflowExecutionInfo?.closeTime !== undefined) return true;
  const options = { pageSize: 1, token: new Uint8Array(), waitForNewEvent: true, closeEventOnly: true, ...wait };
  await history.getHistory(run, options);
  return (await history.describeWorkflow(run)).workflowExecutionInfo?.closeTime !== undefined;
}
