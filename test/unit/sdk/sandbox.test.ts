import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleWorkflows, type WorkflowBundle } from '@antiphon/sdk/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSandbox } from '../../../sdk/worker/sandbox-host.ts';
import { createPlay, type Play } from '../../support/sdk/play.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/unit/sdk/fixtures/basics.workflows.ts' });
});
const play = (type: string, ...args: unknown[]): Play => createPlay(bundle, type, ...args);
const resultOf = (words: readonly string[]): unknown[] =>
  JSON.parse(words.at(-1)?.replace('complete ', '') ?? '') as unknown[];

describe('the sandbox', () => {
  test('lists the exported workflows under their defined names', () => {
    const types = createSandbox({ bundle, onLog: () => undefined }).workflowTypes();
    expect(types).toContain('order');
    expect(types).toContain('orders.Named');
    expect(types).not.toContain('named');
    expect(play('orders.Named').step()).toEqual(['complete "named"']);
  });

  test('has the clock and the random numbers of the run', () => {
    const run = play('clock');
    expect(run.step()).toEqual(['timer 0 1s']);
    run.history.fire('0');
    const values = resultOf(run.step());
    const start = Date.UTC(2030, 0, 1) + 1000;
    expect(values.slice(0, 3)).toEqual([start, new Date(start).toISOString(), start]);
    expect(values[3]).toBeTypeOf('number');
    expect(values[4]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(values.slice(5, 7)).toEqual([start + 1000, start + 1000]);
    expect(values[7]).not.toEqual(values[3]);
    expect(values.slice(9)).toEqual(['2030', true, true]);
  });

  test('keeps runs apart, and what is not replayable away', () => {
    const first = resultOf(play('isolation').step());
    expect(first).toEqual([
      1,
      'clean',
      'undefined',
      'fetch is not available in workflow code: it is not replayable. Do it in an activity.',
      'Code generation from strings disallowed for this context',
      expect.stringMatching(/object is not extensible/),
      'undefined',
    ]);
  });

  test('keeps module state and globals of two runs in one sandbox apart', () => {
    const run = play('isolation');
    // The play replays each decision in a second run of the same sandbox, and compares.
    expect(resultOf(run.step()).slice(0, 2)).toEqual([1, 'clean']);
  });

  test('logs each line once, tagged with its run', () => {
    const run = play('logging');
    run.step();
    run.history.fire('0');
    run.step();
    expect(run.logs).toEqual([
      { level: 'info', message: 'first', fields: { at: 3 }, workflowId: 'wf', runId: 'run-1' },
      { level: 'warn', message: 'second {"x":1}', fields: {}, workflowId: 'wf', runId: 'run-1' },
    ]);
  });

  test('stops code that does not yield, and stays usable', () => {
    const run = play('fails', 'loop');
    expect(() => run.step()).toThrow('workflow code did not yield within 2000 ms');
    expect(play('order', 1).step()).toEqual(['activity 0 charge 1']);
  }, 10_000);

  test('tells failures, which fail the workflow, from bugs, which fail the task', () => {
    expect(play('fails', 'failure').step()).toEqual(['fail Refused']);
    expect(() => play('fails', 'bug').step()).toThrow("TypeError: Cannot read properties of undefined (reading 'x')");
  });

  test('shows positions in the sources, in errors and in the stack query', () => {
    let stack = '';
    try {
      play('fails', 'bug').step();
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(stack).toMatch(/at fails \(basics\.workflows\.ts:\d+:\d+\)/);
    const run = play('order', 1);
    run.step();
    expect(run.query('__stack_trace')).toMatch(
      /^waiting for activity charge\n {4}at order \(basics\.workflows\.ts:\d+:\d+\)$/,
    );
  });

  test('warns of signals that nobody handled', () => {
    const run = play('order', 1);
    run.history.signal('typo');
    run.step();
    run.history.completeActivity('0');
    run.step();
    run.history.fire('1');
    run.step();
    run.history.completeActivity('2');
    run.step();
    expect(run.logs).toMatchObject([
      { level: 'warn', message: 'workflow has unhandled signals', fields: { signals: ['typo'] } },
    ]);
  });

  test('names the known types when a type is missing', () => {
    expect(() => play('nope').step()).toThrow(
      /workflow type "nope" is not in this worker's bundle, which has: .*order/,
    );
  });
});

describe('bundling', () => {
  const bundleText = async (text: string): Promise<WorkflowBundle> => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'antiphon-bundle-'));
    const workflowsPath = path.join(folder, 'workflows.ts');
    await fs.writeFile(workflowsPath, text);
    try {
      return await bundleWorkflows({ workflowsPath });
    } finally {
      await fs.rm(folder, { recursive: true });
    }
  };

  test('refuses Node modules and host parts of the SDK, naming the importer', async () => {
    await expect(bundleText(`import fs from 'node:fs'; export const x = fs;`)).rejects.toThrow(
      /workflow code must not import "node:fs" \(imported by .*workflows.ts\)/,
    );
    await expect(bundleText(`import { createClient } from '@antiphon/sdk/client'; export const x = createClient;`))
      .rejects //
      .toThrow('workflow code must not import "@antiphon/sdk/client"');
  });

  test('gives equal code an equal checksum', async () => {
    const text = 'export async function a() { return 1; }';
    expect((await bundleText(text)).checksum).toBe((await bundleText(text)).checksum);
    expect((await bundleText(text)).checksum).not.toBe((await bundleText(text.replace('1', '2'))).checksum);
  });
});
