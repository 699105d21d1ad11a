// Commands of clients and of other runs on one run.
import { EntityNotExistsError } from '#base';
import type { HistoryClient } from '#rpc';
import type { HistoryContext } from './context.ts';
import type { RunEntry } from './workflow-cache.ts';

type WorkflowApi = Pick<
  HistoryClient,
  | 'signalWorkflow'
  | 'requestCancelWorkflow'
  | 'terminateWorkflow'
  | 'refreshTasks'
  | 'resetStickyTaskList'
  | 'scheduleFirstDecision'
  | 'recordChildClosed'
>;

export function createWorkflowApi(context: HistoryContext): WorkflowApi {
  /** With the first run of a chain given, the current run is meant, provided that it is of this chain. */
  const chainCheck = (firstExecutionRunId: string) => (entry: RunEntry) => {
    if (firstExecutionRunId !== '' && entry.state.info.firstExecutionRunId !== firstExecutionRunId) {
      throw new EntityNotExistsError('Workflow execution not found');
    }
  };

  return {
    async signalWorkflow(run, signal) {
      await context.run(run, { kind: 'signal', ...signal });
    },

    async requestCancelWorkflow(run, { firstExecutionRunId, ...request }) {
      const ref = firstExecutionRunId === '' ? run : { ...run, runId: '' };
      await context.run(ref, { kind: 'requestCancel', ...request }, { check: chainCheck(firstExecutionRunId) });
    },

    async terminateWorkflow(run, { firstExecutionRunId, parent, ...request }) {
      const ref = firstExecutionRunId === '' ? run : { ...run, runId: '' };
      const checkChain = chainCheck(firstExecutionRunId);
      const check = (entry: RunEntry): void => {
        checkChain(entry);
        if (parent === undefined) return;
        const actual = entry.state.info.parent?.workflowExecution;
        if (actual?.workflowId !== parent.workflowId || actual.runId !== parent.runId) {
          throw new EntityNotExistsError('Workflow parent does not match.');
        }
      };
      await context.run(ref, { kind: 'terminate', ...request }, { check });
    },

    async refreshTasks(run) {
      await context.run(run, { kind: 'refreshTasks' }, { allowsPassive: true });
    },

    async resetStickyTaskList(run) {
      await context.run(run, { kind: 'resetStickyTaskList' });
    },

    async scheduleFirstDecision(run) {
      await context.run(run, { kind: 'scheduleFirstDecision' });
    },

    async recordChildClosed(parent, { initiatedId, workflowId, runId, closeEvent }) {
      await context.run(parent, {
        kind: 'childClosed',
        initiatedId,
        childWorkflowId: workflowId,
        childRunId: runId,
        closeEvent,
      });
    },
  };
}
