// Turns the commands of a sandbox into decisions in their state machines. Marker encodings are those of Cadence's Go client,
// so that its tools can read them.
import {
  ContinueAsNewInitiator,
  CronOverlapPolicy,
  type Decision,
  ParentClosePolicy,
  type TaskList,
  TaskListKind,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { encodeJsonLine } from '../common/index.ts';
import {
  bufferOf,
  durationMessage,
  failureFromSandbox,
  fieldsFromSandbox,
  fromSandbox,
  headerMessage,
  retryMessage,
} from '../transport/wire-conversions.ts';
import type { ActivityCommand, ChildCommand, Command, ContinueAsNewCommand } from '../workflow/protocol.ts';
import type { DecisionMachines } from './decision-machines.ts';

const taskListOf = (name: string): TaskList => ({ name, kind: TaskListKind.TASK_LIST_KIND_NORMAL, baseName: '' });

const PARENT_CLOSE = {
  abandon: ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON,
  requestCancel: ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
  terminate: ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
} as const;

export const REUSE_POLICY = {
  allowDuplicate: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  allowDuplicateFailedOnly: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  rejectDuplicate: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
  terminateIfRunning: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING,
} as const;

function scheduleActivity(command: ActivityCommand): Decision {
  return {
    attributes: {
      $case: 'scheduleActivityTaskDecisionAttributes',
      value: {
        activityId: command.id,
        activityType: { name: command.activityType },
        domain: command.domain,
        taskList: taskListOf(command.taskList),
        input: fromSandbox(command.input),
        scheduleToCloseTimeout: durationMessage(command.scheduleToCloseSeconds),
        scheduleToStartTimeout: durationMessage(command.scheduleToStartSeconds),
        startToCloseTimeout: durationMessage(command.startToCloseSeconds),
        heartbeatTimeout: durationMessage(command.heartbeatSeconds),
        retryPolicy: retryMessage(command.retry),
        header: headerMessage(command.header),
        requestLocalDispatch: false,
      },
    },
  };
}

function startChild(command: ChildCommand): Decision {
  const searchAttributes = fieldsFromSandbox(command.searchAttributes);
  return {
    attributes: {
      $case: 'startChildWorkflowExecutionDecisionAttributes',
      value: {
        domain: command.domain,
        workflowId: command.workflowId,
        workflowType: { name: command.workflowType },
        taskList: taskListOf(command.taskList),
        input: fromSandbox(command.input),
        executionStartToCloseTimeout: durationMessage(command.executionSeconds),
        taskStartToCloseTimeout: durationMessage(command.taskSeconds),
        parentClosePolicy: PARENT_CLOSE[command.parentClose],
        control: Buffer.alloc(0),
        workflowIdReusePolicy: REUSE_POLICY[command.reusePolicy],
        retryPolicy: retryMessage(command.retry),
        cronSchedule: command.cronSchedule,
        header: headerMessage(command.header),
        memo: fieldsFromSandbox(command.memo),
        searchAttributes: searchAttributes && { indexedFields: searchAttributes.fields },
        cronOverlapPolicy: CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
        activeClusterSelectionPolicy: undefined,
      },
    },
  };
}

function cancelExternal(
  domain: string,
  workflowId: string,
  runId: string,
  control: string,
  childOnly: boolean,
): Decision {
  return {
    attributes: {
      $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
      value: {
        domain,
        workflowExecution: { workflowId, runId },
        control: Buffer.from(control),
        childWorkflowOnly: childOnly,
      },
    },
  };
}

function recordMarker(markerName: string, details: string): Decision {
  const value = { markerName, details: { data: Buffer.from(details) }, header: undefined };
  return { attributes: { $case: 'recordMarkerDecisionAttributes', value } };
}

function upsert(attributes: Readonly<Record<string, string>>): Decision {
  const indexedFields = fieldsFromSandbox(attributes)?.fields ?? {};
  return {
    attributes: {
      $case: 'upsertWorkflowSearchAttributesDecisionAttributes',
      value: { searchAttributes: { indexedFields } },
    },
  };
}

/** What a continued run inherits from the start of this one. */
export interface Inheritance {
  readonly continueAsNew: Pick<
    Extract<
      NonNullable<Decision['attributes']>,
      { $case: 'continueAsNewWorkflowExecutionDecisionAttributes' }
    >['value'],
    'memo' | 'searchAttributes' | 'retryPolicy' | 'header' | 'cronSchedule'
  >;
}

function continueAsNew(command: ContinueAsNewCommand, inherited: Inheritance): Decision {
  return {
    attributes: {
      $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
      value: {
        ...inherited.continueAsNew,
        workflowType: { name: command.workflowType },
        taskList: taskListOf(command.taskList),
        input: fromSandbox(command.input),
        executionStartToCloseTimeout: durationMessage(command.executionSeconds),
        taskStartToCloseTimeout: durationMessage(command.taskSeconds),
        backoffStartInterval: undefined,
        initiator: ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_DECIDER,
        failure: undefined,
        lastCompletionResult: undefined,
        jitterStart: undefined,
        cronOverlapPolicy: CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
        activeClusterSelectionPolicy: undefined,
      },
    },
  };
}

/** The decision that closes the run, or undefined for a command that does not. */
function closeDecision(command: Command, inherited: Inheritance): Decision | undefined {
  switch (command.kind) {
    case 'complete': {
      const value = { result: fromSandbox(command.result) };
      return { attributes: { $case: 'completeWorkflowExecutionDecisionAttributes', value } };
    }
    case 'fail': {
      const value = { failure: failureFromSandbox(command.failure) };
      return { attributes: { $case: 'failWorkflowExecutionDecisionAttributes', value } };
    }
    case 'cancel': {
      const value = { details: fromSandbox(command.details) };
      return { attributes: { $case: 'cancelWorkflowExecutionDecisionAttributes', value } };
    }
    case 'continueAsNew':
      return continueAsNew(command, inherited);
    default:
      return undefined;
  }
}

function base64OfPayload(payload: ReturnType<typeof fromSandbox>): string {
  return payload ? bufferOf(payload.data).toString('base64') : '';
}

function applyMarker(machines: DecisionMachines, command: Command): boolean {
  switch (command.kind) {
    case 'sideEffect': {
      const result = base64OfPayload(fromSandbox(command.result));
      const details = encodeJsonLine(Number(command.id)) + encodeJsonLine(result);
      machines.add('marker', `SideEffect_${command.id}`, recordMarker('SideEffect', details));
      return true;
    }
    case 'mutableSideEffect': {
      const details = [command.id, command.value, command.access].map(encodeJsonLine).join('');
      machines.add('marker', `Mutable_${command.id}_${command.access}`, recordMarker('MutableSideEffect', details));
      return true;
    }
    case 'version': {
      const details = encodeJsonLine(command.changeId) + encodeJsonLine(command.version);
      machines.add('marker', `Version_${command.changeId}`, recordMarker('Version', details));
      const attributes = { CadenceChangeVersion: JSON.stringify(command.searchAttribute) };
      machines.add('upsert', `${command.changeId}-${command.version}`, upsert(attributes));
      return true;
    }
    default:
      return false;
  }
}

/** Applies one command. Commands come in the order in which workflow code issued them. */
export function applyCommand(machines: DecisionMachines, command: Command, inherited: Inheritance): void {
  const close = closeDecision(command, inherited);
  if (close) machines.add('close', '', close);
  else if (!applyMarker(machines, command)) applyCall(machines, command);
}

/** Commands that an event answers, and their cancellations. */
function applyCall(machines: DecisionMachines, command: Command): void {
  switch (command.kind) {
    case 'scheduleActivity': {
      const cancel = { activityId: command.id };
      machines.add('activity', command.id, scheduleActivity(command), {
        attributes: { $case: 'requestCancelActivityTaskDecisionAttributes', value: cancel },
      });
      return;
    }
    case 'startTimer': {
      const start = { timerId: command.id, startToFireTimeout: durationMessage(command.seconds) };
      machines.add(
        'timer',
        command.id,
        { attributes: { $case: 'startTimerDecisionAttributes', value: start } },
        { attributes: { $case: 'cancelTimerDecisionAttributes', value: { timerId: command.id } } },
      );
      return;
    }
    case 'startChild': {
      const cancel = cancelExternal(command.domain, command.workflowId, '', '', true);
      machines.add('child', command.workflowId, startChild(command), cancel);
      return;
    }
    case 'cancelActivity':
      machines.cancel('activity', command.id);
      return;
    case 'cancelTimer':
      machines.cancel('timer', command.id);
      return;
    case 'cancelChild':
      machines.cancel('child', command.workflowId);
      return;
    case 'cancelExternal': {
      const decision = cancelExternal(command.domain, command.workflowId, command.runId, command.id, false);
      machines.add('cancelExternal', command.id, decision);
      return;
    }
    case 'signalExternal': {
      const value = {
        domain: command.domain,
        workflowExecution: { workflowId: command.workflowId, runId: command.runId },
        signalName: command.signalName,
        input: fromSandbox(command.input),
        control: Buffer.from(command.id),
        childWorkflowOnly: command.childOnly,
      };
      const decision: Decision = { attributes: { $case: 'signalExternalWorkflowExecutionDecisionAttributes', value } };
      machines.add('signalExternal', command.id, decision);
      return;
    }
    case 'upsertSearchAttributes':
      machines.add('upsert', command.id, upsert(command.attributes));
  }
}
