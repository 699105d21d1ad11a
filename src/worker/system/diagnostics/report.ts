// The report of a diagnosis: groups of issues with their causes, in the shape and the words of Cadence's diagnostics workflow, which its web
// page and its CLI read. `Pending` and `Size` are ours: what is wrong now with a run that goes on. Durations are nanoseconds, as Go writes them.
import type { RetryPolicy, TaskList } from '@antiphon/proto';

export interface Issue {
  readonly IssueID: number;
  readonly InvariantType: string;
  readonly Reason: string;
  readonly Metadata: Readonly<Record<string, unknown>>;
}

export interface RootCause {
  readonly IssueID: number;
  readonly RootCauseType: string;
  readonly Metadata: Readonly<Record<string, unknown>> | null;
}

export interface IssueGroup {
  readonly Issues: readonly Issue[];
  readonly RootCause: readonly RootCause[];
  readonly Runbook: string;
}

export interface DiagnosisReport {
  readonly Timeouts: IssueGroup | null;
  readonly Failures: IssueGroup | null;
  readonly Retries: IssueGroup | null;
  readonly Pending: IssueGroup | null;
  readonly Size: IssueGroup | null;
}

export type GroupName = keyof DiagnosisReport;

/** What the diagnosis asks of a run. */
export interface DiagnosisTarget {
  readonly Domain: string;
  readonly WorkflowID: string;
  readonly RunID: string;
}

const RUNBOOKS: Readonly<Record<GroupName, string>> = {
  Timeouts: 'https://cadenceworkflow.io/docs/workflow-troubleshooting/timeouts/',
  Failures: 'https://cadenceworkflow.io/docs/workflow-troubleshooting/activity-failures/',
  Retries: 'https://cadenceworkflow.io/docs/workflow-troubleshooting/retries',
  Pending: '',
  Size: '',
};

// A run that fails a thousand times the same way needs no thousand lines.
const ISSUES_MAX = 200;

/** Collects issues by group; beyond the most of a group they are left out. */
export class ReportBuilder {
  readonly #groups = new Map<GroupName, { issues: Issue[]; causes: RootCause[] }>();

  /** The id of the issue in its group, for a cause; undefined when it was left out. */
  add(group: GroupName, type: string, reason: string, metadata: Issue['Metadata'] = {}): number | undefined {
    const found = this.#groups.get(group) ?? { issues: [], causes: [] };
    this.#groups.set(group, found);
    if (found.issues.length >= ISSUES_MAX) return undefined;
    const id = found.issues.length;
    found.issues.push({ IssueID: id, InvariantType: type, Reason: reason, Metadata: metadata });
    return id;
  }

  cause(group: GroupName, issueId: number | undefined, type: string, metadata: RootCause['Metadata'] = null): void {
    if (issueId === undefined) return;
    this.#groups.get(group)?.causes.push({ IssueID: issueId, RootCauseType: type, Metadata: metadata });
  }

  build(): DiagnosisReport {
    const group = (name: GroupName): IssueGroup | null => {
      const found = this.#groups.get(name);
      if (found === undefined) return null;
      return { Issues: found.issues, RootCause: found.causes, Runbook: RUNBOOKS[name] };
    };
    return {
      Timeouts: group('Timeouts'),
      Failures: group('Failures'),
      Retries: group('Retries'),
      Pending: group('Pending'),
      Size: group('Size'),
    };
  }
}

const NANOS_PER_SECOND = 1e9;

type Duration = RetryPolicy['initialInterval'];

export const nanosOf = (duration: Duration): number =>
  duration === undefined ? 0 : Number(duration.seconds) * NANOS_PER_SECOND + duration.nanos;

const secondsOf = (duration: Duration): number => Math.trunc(nanosOf(duration) / NANOS_PER_SECOND);

export const taskListJson = (taskList: TaskList | undefined): object | null =>
  taskList === undefined ? null : { name: taskList.name };

/** As Cadence's internal type is written. */
export const retryPolicyJson = (policy: RetryPolicy | undefined): object | null =>
  policy === undefined
    ? null
    : {
        initialIntervalInSeconds: secondsOf(policy.initialInterval),
        backoffCoefficient: policy.backoffCoefficient,
        maximumIntervalInSeconds: secondsOf(policy.maximumInterval),
        maximumAttempts: policy.maximumAttempts,
        nonRetriableErrorReasons: policy.nonRetryableErrorReasons,
        expirationIntervalInSeconds: secondsOf(policy.expirationInterval),
      };
