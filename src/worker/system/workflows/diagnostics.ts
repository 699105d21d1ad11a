// DiagnoseWorkflowExecution: one activity looks at the run; its report is the result, and can be queried while the run of this workflow is
// kept. Names and shapes are Cadence's: its web page reads them.
import { defineQuery, defineWorkflow, proxyActivities, setHandler } from '@antiphon/sdk/workflow';
import type { DiagnosticsActivities } from '../diagnostics/diagnostics-activities.ts';
import type { DiagnosisReport, DiagnosisTarget } from '../diagnostics/report.ts';

interface DiagnosticsResult {
  readonly DiagnosticsResult: DiagnosisReport | null;
  readonly DiagnosticsCompleted: boolean;
}

const { diagnose } = proxyActivities<DiagnosticsActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', expirationInterval: '10m' },
});

export const diagnosticsWorkflow = defineWorkflow(
  'diagnostics-starter-workflow',
  async (target: DiagnosisTarget): Promise<DiagnosticsResult> => {
    let result: DiagnosticsResult = { DiagnosticsResult: null, DiagnosticsCompleted: false };
    setHandler(defineQuery<DiagnosticsResult>('query-diagnostics-report'), () => result);
    const { Domain, WorkflowID, RunID } = target;
    result = { DiagnosticsResult: await diagnose({ Domain, WorkflowID, RunID }), DiagnosticsCompleted: true };
    return result;
  },
);
