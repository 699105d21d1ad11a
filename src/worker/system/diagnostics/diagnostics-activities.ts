// Reads a run, its history and its task lists, and reports what is wrong with it.
import {
  DescribeTaskListRequest,
  DescribeWorkflowExecutionRequest,
  GetWorkflowExecutionHistoryRequest,
  type HistoryEvent,
  type TaskList,
  TaskListType,
} from '@antiphon/proto';
import { ApplicationFailure, activityContext } from '@antiphon/sdk/activity';
import { ServiceError, type ServiceErrorKind } from '#base';
import type { SystemActivityContext } from '../system-workers.ts';
import { createHistoryFindings, type PollerQuestion } from './history-findings.ts';
import { findPending } from './pending-findings.ts';
import { type DiagnosisReport, type DiagnosisTarget, type GroupName, ReportBuilder } from './report.ts';

export interface DiagnosticsActivities {
  diagnose(target: DiagnosisTarget): Promise<DiagnosisReport>;
}

const PAGE_EVENTS = 1_000;
const NO_POLLERS = 'There are no pollers for the tasklist';
const POLLERS = 'There are pollers for the tasklist. Check backlog status';
const FINAL: ReadonlySet<ServiceErrorKind> = new Set<ServiceErrorKind>(['EntityNotExists', 'BadRequest']);

export function diagnosticsActivities({ env, frontend }: SystemActivityContext): DiagnosticsActivities {
  /** Each page is a sign of life: histories may be long. */
  async function* eventsOf({ Domain, WorkflowID, RunID }: DiagnosisTarget): AsyncGenerator<HistoryEvent> {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      activityContext().heartbeat();
      const page = await frontend.workflow.getWorkflowExecutionHistory(
        GetWorkflowExecutionHistoryRequest.fromPartial({
          domain: Domain,
          workflowExecution: { workflowId: WorkflowID, runId: RunID },
          pageSize: PAGE_EVENTS,
          nextPageToken,
        }),
      );
      yield* page.history?.events ?? [];
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
  }

  const describeTaskList = async (domain: string, taskList: TaskList, isActivity: boolean) => {
    const { pollers, taskListStatus } = await frontend.workflow.describeTaskList(
      DescribeTaskListRequest.fromPartial({
        domain,
        taskList: { name: taskList.name },
        taskListType: isActivity ? TaskListType.TASK_LIST_TYPE_ACTIVITY : TaskListType.TASK_LIST_TYPE_DECISION,
        includeTaskListStatus: true,
      }),
    );
    return { isPolled: pollers.length > 0, backlog: Number(taskListStatus?.backlogCountHint ?? 0n) };
  };

  const answer = async (
    report: ReportBuilder,
    domain: string,
    group: GroupName,
    questions: readonly PollerQuestion[],
  ): Promise<void> => {
    const known = new Map<string, ReturnType<typeof describeTaskList>>();
    for (const { issueId, taskList, isActivity } of questions) {
      if (issueId === undefined || taskList === undefined) continue;
      const key = `${isActivity}/${taskList.name}`;
      const found = known.get(key) ?? describeTaskList(domain, taskList, isActivity);
      known.set(key, found);
      const { isPolled, backlog } = await found;
      const metadata = { PollersMetadata: { TaskListName: taskList.name, TaskListBacklog: backlog } };
      report.cause(group, issueId, isPolled ? POLLERS : NO_POLLERS, metadata);
    }
  };

  const diagnosed = async (target: DiagnosisTarget): Promise<DiagnosisReport> => {
    const { Domain, WorkflowID, RunID } = target;
    const report = new ReportBuilder();
    const findings = createHistoryFindings(report);
    const taskLists = new Map<bigint, TaskList | undefined>();
    for await (const event of eventsOf(target)) {
      findings.take(event);
      const { attributes } = event;
      if (attributes?.$case === 'activityTaskScheduledEventAttributes') {
        taskLists.set(event.eventId, attributes.value.taskList);
      }
    }
    const described = await frontend.workflow.describeWorkflowExecution(
      DescribeWorkflowExecutionRequest.fromPartial({
        domain: Domain,
        workflowExecution: { workflowId: WorkflowID, runId: RunID },
      }),
    );
    const pending = findPending(report, described, env.clock.nowMs(), (scheduleId) => taskLists.get(scheduleId));
    await answer(report, Domain, 'Timeouts', findings.questions);
    await answer(report, Domain, 'Pending', pending);
    return report.build();
  };

  return {
    async diagnose(target) {
      try {
        return await diagnosed(target);
      } catch (error) {
        if (!(error instanceof ServiceError) || !FINAL.has(error.kind)) throw error;
        throw ApplicationFailure.nonRetryable(error.message, error.kind);
      }
    },
  };
}
