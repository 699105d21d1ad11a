// Answers that the service can run workflows of its own: for operators who doubt it, and for tests of the machinery.
import { defineWorkflow } from '@antiphon/sdk/workflow';

export const probeWorkflow = defineWorkflow(
  'cadence-sys-probe-workflow',
  async (text: string): Promise<string> => text,
);
