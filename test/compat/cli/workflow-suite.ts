// `cadence workflow …`: starting, looking at and acting on runs.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CadenceCli, jsonIn, rowWith, TASK_LIST } from './support.ts';

const RUN_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const eventually = { timeout: 20_000, interval: 200 };

export function workflowSuite(cli: () => CadenceCli): void {
  describe('cadence workflow', () => {
    starting(cli);
    looking(cli);
    acting(cli);
  });
}

function starting(cli: () => CadenceCli): void {
  it('start: names the run it started, with everything that was asked for', async () => {
    const { ok, folder, history } = cli();
    const file = path.join(folder, 'input.json');
    fs.writeFileSync(file, '7');
    const { text } = await ok(
      ...['workflow', 'start', '--tasklist', TASK_LIST, '--workflow_type', 'counter', '--execution_timeout', '90'],
      ...['--workflow_id', 'full', '--decision_timeout', '7', '--workflowidreusepolicy', '1', '--input_file', file],
      ...['--memo_key', 'owner', '--memo', '"kim"', '--search_attr_key', 'CustomKeywordField'],
      ...['--search_attr_value', 'blue', '--retry_attempts', '3', '--retry_interval', '2', '--retry_backoff', '1.5'],
      ...['--header_key', 'trace', '--header_value', '"abc"', '--delay_start_seconds', '1'],
    );
    expect(text).toMatch(/Started Workflow Id: full, run Id: [0-9a-f-]{36}/);
    const started = (await history('full'))[0]?.workflowExecutionStartedEventAttributes;
    expect(started).toMatchObject({
      workflowType: { name: 'counter' },
      taskList: { name: TASK_LIST },
      executionStartToCloseTimeoutSeconds: 90,
      taskStartToCloseTimeoutSeconds: 7,
      retryPolicy: { initialIntervalInSeconds: 2, backoffCoefficient: 1.5, maximumAttempts: 3 },
      firstDecisionTaskBackoffSeconds: 1,
      memo: { fields: { owner: Buffer.from('"kim"').toString('base64') } },
      searchAttributes: { indexedFields: { CustomKeywordField: Buffer.from('"blue"').toString('base64') } },
      header: { fields: { trace: Buffer.from('"abc"').toString('base64') } },
      input: Buffer.from('7').toString('base64'),
    });
  });

  it('start: says that the workflow is running already, with its run id', async () => {
    const runId = await cli().start('counter', 'twice');
    const { text } = await cli().fails(
      ...['workflow', 'start', '--tl', TASK_LIST, '--wt', 'counter', '--et', '60', '-w', 'twice'],
    );
    expect(text).toContain('Workflow execution is already running');
    expect(text).toContain(runId);
  });

  it("start: shows the server's objection to a cron expression", async () => {
    const { text } = await cli().fails(
      ...['workflow', 'start', '--tl', TASK_LIST, '--wt', 'counter', '--et', '60', '--cron', 'often'],
    );
    expect(text).toContain('Invalid CronSchedule');
  });

  // `run` and `observe` of Cadence 1.4.0 cancel their own context before the first event, with any server: they print the frame and end.
  it('run: starts the run and prints what it started', async () => {
    const { ok } = cli();
    const { text } = await ok('workflow', 'run', '--tl', TASK_LIST, '--wt', 'counter', '--et', '60', '-w', 'ran');
    expect(text).toMatch(/Workflow Id\s+: ran[\s\S]*Type\s+: counter[\s\S]*Progress:[\s\S]*Result:/);
    await ok('workflow', 'terminate', '-w', 'ran');
  });

  it('signalwithstart: starts the run that takes the signal', async () => {
    const { ok } = cli();
    const { text } = await ok(
      ...['workflow', 'signalwithstart', '--tl', TASK_LIST, '--wt', 'counter', '--et', '60', '-w', 'sws'],
      ...['-n', 'add', '--si', '11'],
    );
    expect(text).toMatch(/SignalWithStart workflow succeeded. Workflow Id: sws, run Id: [0-9a-f-]{36}/);
    await expect.poll(async () => (await ok('workflow', 'query', '-w', 'sws', '--qt', 'sum')).stdout).toBe('11\n');
  });
}

function looking(cli: () => CadenceCli): void {
  it('describe and describeid: show the configuration and what the run waits for', async () => {
    const { ok, start } = cli();
    const runId = await start('byHand', 'described');
    await expect
      .poll(async () => jsonIn((await ok('workflow', 'describe', '-w', 'described', '-r', runId)).stdout), eventually)
      .toMatchObject({
        ExecutionConfiguration: { taskList: { name: TASK_LIST }, executionStartToCloseTimeoutSeconds: 120 },
        WorkflowExecutionInfo: { Execution: { workflowId: 'described', runId }, CloseStatus: null },
        PendingActivities: [{ ActivityType: { name: 'manual' }, State: 'STARTED' }],
      });
    expect(jsonIn((await ok('workflow', 'describeid', 'described', runId)).stdout)).toMatchObject({
      WorkflowExecutionInfo: { Execution: { runId } },
    });
    expect((await ok('workflow', 'describe', '-w', 'described', '--reset_points_only')).text).toContain(
      'Auto Reset Points',
    );
    const { text } = await cli().fails('workflow', 'describe', '-w', 'nothing');
    expect(text).toContain('Workflow execution not found');
  });

  it('show and showid: print the history, one event, or all of it', async () => {
    const { ok, start } = cli();
    const runId = await start('counter', 'shown', '-i', '3');
    await expect
      .poll(async () => (await ok('workflow', 'show', '-w', 'shown', '-r', runId)).stdout, eventually)
      .toContain('DecisionTaskCompleted');
    const shown = await ok('workflow', 'show', '-w', 'shown', '--pdt', '--pev');
    expect(shown.stdout).toMatch(/1 +\d{4}-\d\d-\d\dT\S+ +\(Version: -24\) +WorkflowExecutionStarted/);
    expect(shown.stdout).toContain('History Source: Default Storage');
    expect((await ok('workflow', 'showid', 'shown', runId)).stdout).toContain('DecisionTaskScheduled');
    expect((await ok('workflow', 'show', '-w', 'shown', '--eid', '1')).stdout).toContain('WorkflowExecutionStarted');
    expect((await ok('workflow', 'show', '-w', 'shown', '--print_full')).stdout).toContain(
      'StartToCloseTimeoutSeconds',
    );
    expect((await cli().fails('workflow', 'show', '-w', 'shown', '--eid', '99')).text).toContain(
      'EventId out of range',
    );
  });

  it('observe and observeid: end well', async () => {
    const { ok, start } = cli();
    await start('counter', 'observed');
    await ok('workflow', 'signal', '-w', 'observed', '-n', 'stop');
    expect((await ok('workflow', 'observe', '-w', 'observed', '--show_detail')).text).toContain('Result:');
    expect((await ok('workflow', 'observeid', 'observed')).text).toContain('Result:');
  });

  it('query, query-types and stack: ask the worker', async () => {
    const { ok, start, fails } = cli();
    await start('counter', 'asked', '-i', '40');
    await ok('workflow', 'signal', '-w', 'asked', '-n', 'add', '-i', '2');
    await expect.poll(async () => (await ok('workflow', 'query', '-w', 'asked', '--qt', 'sum')).stdout).toBe('42\n');
    expect((await ok('workflow', 'query', '-w', 'asked', '--qt', 'sum', '--qcl', 'strong')).stdout).toBe('42\n');
    expect((await ok('workflow', 'query-types', '-w', 'asked')).stdout).toContain('sum');
    expect((await ok('workflow', 'stack', '-w', 'asked')).stdout).toContain('counter');
    expect((await fails('workflow', 'query', '-w', 'asked', '--qt', 'other')).text).toContain('Query workflow failed');
    await ok('workflow', 'signal', '-w', 'asked', '-n', 'stop');
    await expect
      .poll(async () => (await ok('workflow', 'query', '-w', 'asked', '--qt', 'sum', '--qrc', 'not_open')).stdout)
      .toContain('Query was rejected, workflow is in state: COMPLETED');
  });

  it('list, listall, scan and count: find runs by filters and by query', async () => {
    const { ok, start, fails } = cli();
    const runId = await start(
      'counter',
      'found',
      '--search_attr_key',
      'CustomKeywordField',
      '--search_attr_value',
      'f1',
    );
    await start('counter', 'found-closed');
    await ok('workflow', 'terminate', '-w', 'found-closed', '--reason', 'enough');
    const list = async (...args: string[]): Promise<string> => (await ok('workflow', ...args)).stdout;
    await expect.poll(() => list('list', '--open', '-w', 'found'), eventually).toContain(runId);
    await expect.poll(() => list('list', '-w', 'found-closed', '--status', 'terminated'), eventually).toContain('TERM');
    expect(await list('listall', '--open', '--wt', 'counter')).toContain('found');
    expect(await list('list', '--query', "CustomKeywordField = 'f1'", '--print_search_attr')).toContain(runId);
    expect(JSON.parse(await list('list', '--query', "WorkflowID = 'found'", '--print_json'))).toMatchObject([
      { execution: { workflowId: 'found', runId } },
    ]);
    expect(await list('scan', '--query', "WorkflowID = 'found-closed'")).toContain('TERMINATED');
    expect(await list('count', '--query', "WorkflowID = 'found' or WorkflowID = 'found-closed'")).toBe('2\n');
    expect(rowWith(await list('list', '--query', "WorkflowID = 'found'"), runId).slice(0, 4)).toEqual([
      'counter',
      'found',
      runId,
      TASK_LIST,
    ]);
    expect((await fails('workflow', 'list', '--query', 'Nonsense = 1')).text).toMatch(/invalid search attribute/i);
  });

  it('listarchived: finds what the archive holds', async () => {
    const { ok } = cli();
    const { stdout } = await ok('workflow', 'listarchived', '--query', "WorkflowID = 'nobody'", '--all');
    expect(stdout.trim()).toBe('');
  });
}

function acting(cli: () => CadenceCli): void {
  it('signal, cancel and terminate: say that they succeeded, and the history shows it', async () => {
    const { ok, start, fails, history } = cli();
    await start('byHand', 'acted');
    expect((await ok('workflow', 'signal', '-w', 'acted', '-n', 'any', '-i', '{"by": "kim"}')).stdout).toContain(
      'Signal workflow succeeded.',
    );
    expect((await ok('workflow', 'cancel', '-w', 'acted', '--reason', 'changed')).stdout).toContain(
      'Cancel workflow succeeded.',
    );
    await expect
      .poll(async () => (await history('acted')).map(({ eventType }) => eventType), eventually)
      .toContain('WorkflowExecutionCancelRequested');
    await start('counter', 'ended');
    expect((await ok('workflow', 'terminate', '-w', 'ended', '--re', 'enough')).stdout).toContain('succeeded');
    expect((await history('ended')).at(-1)).toMatchObject({
      eventType: 'WorkflowExecutionTerminated',
      workflowExecutionTerminatedEventAttributes: { reason: 'enough' },
    });
    expect((await fails('workflow', 'terminate', '-w', 'ended')).text).toMatch(/already completed/i);
    expect((await fails('workflow', 'signal', '-w', 'nothing', '-n', 'any')).text).toContain('not found');
  });

  it('activity complete and activity fail: answer for a worker', async () => {
    const { ok, start, run, history } = cli();
    for (const [workflowId, how] of [
      ['by-hand', ['complete', '--result', '"done by hand"']],
      ['by-hand-2', ['fail', '--reason', 'no way', '--detail', '"broken"']],
    ] as const) {
      const runId = await start('byHand', workflowId);
      const pending = async () =>
        jsonIn((await ok('workflow', 'describe', '-w', workflowId)).stdout).PendingActivities as {
          ActivityID: string;
        }[];
      await expect.poll(pending, eventually).toMatchObject([{ State: 'STARTED' }]);
      const [activity] = await pending();
      const names = ['-w', workflowId, '-r', runId, '--aid', activity?.ActivityID ?? '', '--identity', 'operator'];
      const [verb, ...what] = how;
      expect((await ok('workflow', 'activity', verb, ...names, ...what)).text).toContain('activity successfully');
      const again = await run('workflow', 'activity', verb, ...names, ...what);
      expect(again.code).toBe(1);
    }
    await expect
      .poll(async () => (await history('by-hand')).at(-1), eventually)
      .toMatchObject({
        workflowExecutionCompletedEventAttributes: { result: Buffer.from('"done by hand"\n').toString('base64') },
      });
    await expect
      .poll(async () => (await history('by-hand-2')).at(-1), eventually)
      .toMatchObject({ eventType: 'WorkflowExecutionFailed' });
  });

  it.each([
    ['FirstDecisionCompleted', []],
    ['LastDecisionCompleted', []],
    ['FirstDecisionScheduled', []],
    ['LastDecisionScheduled', []],
    ['DecisionCompletedTime', ['--earliest_time', '2020-01-01T00:00:00Z']],
  ])('reset --reset_type %s: starts a run from that point', async (type, more) => {
    const { ok, start } = cli();
    const workflowId = `reset-${type}`;
    const runId = await start('counter', workflowId, '-i', '5');
    await expect
      .poll(async () => (await ok('workflow', 'query', '-w', workflowId, '--qt', 'sum')).stdout, eventually)
      .toBe('5\n');
    await ok('workflow', 'signal', '-w', workflowId, '-n', 'stop');
    const { stdout } = await ok(
      ...['workflow', 'reset', '-w', workflowId, '-r', runId, '--reason', 'again', '--reset_type', type, ...more],
      '--skip_signal_reapply',
    );
    const { runId: newRunId } = jsonIn(stdout) as { runId: string };
    expect(newRunId).toMatch(RUN_ID);
    await expect
      .poll(
        async () => (await ok('workflow', 'query', '-w', workflowId, '-r', newRunId, '--qt', 'sum')).stdout,
        eventually,
      )
      .toBe('5\n');
  });

  it('reset --reset_type LastContinuedAsNew: goes back to the run before', async () => {
    const { ok, start, run } = cli();
    await start('relay', 'lap');
    const reset = () =>
      run('workflow', 'reset', '-w', 'lap', '--reason', 'again', '--reset_type', 'LastContinuedAsNew');
    await expect.poll(async () => (await reset()).code, eventually).toBe(0);
    expect((await ok('workflow', 'describe', '-w', 'lap')).stdout).toContain('"CloseStatus": null');
  });

  it('reset --event_id and a bad reset type', async () => {
    const { ok, start, fails } = cli();
    const runId = await start('counter', 'reset-id');
    await expect
      .poll(async () => (await ok('workflow', 'show', '-w', 'reset-id')).stdout, eventually)
      .toContain('DecisionTaskCompleted');
    const { stdout } = await ok('workflow', 'reset', '-w', 'reset-id', '-r', runId, '--reason', 'x', '--event_id', '4');
    expect(jsonIn(stdout).runId).toMatch(RUN_ID);
    expect((await fails('workflow', 'reset', '-w', 'reset-id', '--reason', 'x')).text).toContain('Must specify valid');
    const late = await fails('workflow', 'reset', '-w', 'reset-id', '--reason', 'x', '--event_id', '999');
    expect(late.text).toMatch(/Decision finish ID must be/);
  });

  it('reset-batch: resets what a query finds', async () => {
    const { ok, start } = cli();
    const query = "CustomKeywordField = 'batch-reset'";
    const mark = ['--search_attr_key', 'CustomKeywordField', '--search_attr_value', 'batch-reset'];
    const runs = [await start('counter', 'rb-1', ...mark), await start('counter', 'rb-2', ...mark)];
    await expect.poll(async () => (await ok('workflow', 'count', '--query', query)).stdout, eventually).toBe('2\n');
    for (const workflowId of ['rb-1', 'rb-2']) {
      await expect
        .poll(async () => (await ok('workflow', 'show', '-w', workflowId)).stdout, eventually)
        .toContain('DecisionTaskCompleted');
    }
    const reset = [
      'workflow',
      'reset-batch',
      '--query',
      query,
      '--reason',
      'x',
      '--reset_type',
      'LastDecisionCompleted',
    ];
    expect((await ok(...reset, '--dry_run')).text).toContain('dry run to reset wid: rb-1');
    const { text } = await ok(...reset, '--input_parallelism', '2');
    expect(text.match(/new runID for wid\/rid is/g)).toHaveLength(2);
    for (const [index, workflowId] of ['rb-1', 'rb-2'].entries()) {
      expect((await ok('workflow', 'describe', '-w', workflowId)).stdout).not.toContain(runs[index]);
    }
  });

  it('restart: starts the same again', async () => {
    const { ok, start, history } = cli();
    const runId = await start('counter', 'restarted', '-i', '9');
    const { text } = await ok('workflow', 'restart', '-w', 'restarted', '-r', runId);
    const newRunId = /run Id: (\S+)/.exec(text)?.[1];
    expect(newRunId).not.toBe(runId);
    expect((await history('restarted', newRunId))[0]).toMatchObject({
      workflowExecutionStartedEventAttributes: { input: Buffer.from('9').toString('base64') },
    });
  });

  it('diagnose: starts a diagnosis', async () => {
    const { start, ok } = cli();
    const runId = await start('counter', 'diagnosed');
    expect((await ok('workflow', 'diagnose', '-w', 'diagnosed', '-r', runId)).text).toMatch(
      /Workflow diagnosis started[\s\S]*Domain: cadence-system/,
    );
  });

  it('refresh-tasks: succeeds', async () => {
    const { ok, start } = cli();
    await start('counter', 'refreshed');
    expect((await ok('workflow', 'refresh-tasks', '-w', 'refreshed')).stdout).toContain('succeeded');
  });
}
