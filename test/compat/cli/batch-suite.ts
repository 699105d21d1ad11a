// `cadence workflow batch …`: jobs that a system workflow does.
import { describe, expect, it } from 'vitest';
import { type CadenceCli, jsonIn } from './support.ts';

const eventually = { timeout: 30_000, interval: 300 };

export function batchSuite(cli: () => CadenceCli): void {
  describe('cadence workflow batch', () => {
    it('start, describe and list: terminate what a query finds, after a yes', async () => {
      const { ok, runWith, start } = cli();
      const query = "CustomKeywordField = 'batched'";
      const mark = ['--search_attr_key', 'CustomKeywordField', '--search_attr_value', 'batched'];
      await start('counter', 'batch-1', ...mark);
      await start('counter', 'batch-2', ...mark);
      await expect.poll(async () => (await ok('workflow', 'count', '--query', query)).stdout, eventually).toBe('2\n');
      const job = ['workflow', 'batch', 'start', '--query', query, '--batch_type', 'terminate', '--reason', 'enough'];
      expect((await runWith({ stdin: 'no\n' }, ...job)).text).toContain('Batch job is not started');
      const { text } = await runWith({ stdin: 'yes\n' }, ...job);
      expect(text).toContain('This batch job will be operating on 2 workflows.');
      const jobId = /"jobID": "([^"]+)"/.exec(text)?.[1] ?? '';
      await expect
        .poll(async () => (await ok('workflow', 'batch', 'describe', '--job_id', jobId)).stdout, eventually)
        .toContain('batch job is finished successfully');
      for (const workflowId of ['batch-1', 'batch-2']) {
        expect((await ok('workflow', 'describe', '-w', workflowId)).stdout).toContain('"CloseStatus": "TERMINATED"');
      }
      await expect
        .poll(async () => JSON.stringify(jsonIn((await ok('workflow', 'batch', 'list')).stdout)), eventually)
        .toContain(jobId);
    });

    it('terminate: stops a job', async () => {
      const { ok } = cli();
      const { text } = await ok(
        ...['workflow', 'batch', 'start', '--query', "WorkflowType = 'counter'", '--batch_type', 'signal'],
        ...['--signal_name', 'any', '--input', '1', '--reason', 'slow', '--rps', '1', '--yes'],
      );
      const jobId = /"jobID": "([^"]+)"/.exec(text)?.[1] ?? '';
      const stopped = await ok('workflow', 'batch', 'terminate', '--job_id', jobId, '--reason', 'enough');
      expect(stopped.stdout).toContain('batch job is terminated');
    });
  });
}
