// Ends the run and starts the next one of the same workflow with new arguments and an empty history.
import { type Duration, durationToSeconds, type WorkflowFunction, workflowTypeOf } from '../common/index.ts';
import { currentRun } from './current-run.ts';
import type { ContinueAsNewCommand } from './protocol.ts';
import { wireArguments } from './wire-payload.ts';

/** Thrown through workflow code to end the run; do not catch it. */
export class ContinueAsNew extends Error {
  readonly command: ContinueAsNewCommand;
  constructor(command: ContinueAsNewCommand) {
    super('the workflow continues as a new run');
    this.command = command;
  }
}

export interface ContinueAsNewOptions {
  /** Default: the same workflow. */
  readonly workflow?: string | WorkflowFunction;
  readonly taskList?: string;
  readonly executionTimeout?: Duration;
  readonly taskTimeout?: Duration;
}

/** `return continueAsNewWith<typeof myWorkflow>({ taskList: 'other' })(nextPage)` */
export function continueAsNewWith<F extends WorkflowFunction>(
  options: ContinueAsNewOptions,
): (...args: Parameters<F>) => Promise<never> {
  return (...args) => {
    const { info } = currentRun();
    const { workflow, taskList, executionTimeout, taskTimeout } = options;
    throw new ContinueAsNew({
      kind: 'continueAsNew',
      workflowType: workflow === undefined ? info.workflowType : workflowTypeOf(workflow),
      taskList: taskList ?? info.taskList,
      input: wireArguments(args),
      executionSeconds:
        executionTimeout === undefined ? info.executionTimeoutSeconds : durationToSeconds(executionTimeout),
      taskSeconds: taskTimeout === undefined ? info.taskTimeoutSeconds : durationToSeconds(taskTimeout),
    });
  };
}

/** `return continueAsNew<typeof myWorkflow>(nextPage)` */
export function continueAsNew<F extends WorkflowFunction>(...args: Parameters<F>): Promise<never> {
  return continueAsNewWith<F>({})(...args);
}
