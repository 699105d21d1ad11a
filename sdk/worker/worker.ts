// A worker: runs the workflows and activities of one task list.
// Invariants: stopping drains. Polls end at once, running activities get the grace period and are reported, decision tasks
// in hand are answered; only then are connections closed.
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import os from 'node:os';
import { WorkerAPIService } from '@antiphon/proto';
import { type Duration, durationToMs, durationToSeconds } from '../common/index.ts';
import { type Connection, connect } from '../transport/index.ts';
import { runActivityPollers } from './activity-pollers.ts';
import type { Activities, ActivityFunction } from './activity-runner.ts';
import { runDecisionPollers } from './decision-pollers.ts';
import { createDecisionResponses } from './decision-responses.ts';
import { createDecisionTaskHandler } from './decision-task-handler.ts';
import { createStderrLogger, type Logger } from './logger.ts';
import { createPermits } from './permits.ts';
import { type CachedRun, createRunCache } from './run-cache.ts';
import { createRunLoader } from './run-loader.ts';
import { createSandbox } from './sandbox-host.ts';
import { createSandboxTurns } from './sandbox-turns.ts';
import { bundleWorkflows, type WorkflowBundle } from './workflow-bundle.ts';

export interface WorkerOptions {
  /** host:port of a frontend; or share a connection. */
  readonly address?: string;
  readonly connection?: Connection;
  readonly domain: string;
  readonly taskList: string;
  /** File that exports the workflows; bundled at start. */
  readonly workflowsPath?: string;
  /** Or the bundle, made beforehand by bundleWorkflows. */
  readonly workflowBundle?: WorkflowBundle;
  /** Functions by activity name. */
  readonly activities?: Activities;
  readonly identity?: string;
  /** Replaces the bundle's checksum as the identity of this build. */
  readonly buildId?: string;
  /** Runs kept in memory; 0 replays every task from the start. */
  readonly maxCachedWorkflows?: number;
  readonly stickyScheduleToStart?: Duration;
  readonly decisionPollers?: number;
  readonly activityPollers?: number;
  readonly maxConcurrentDecisions?: number;
  readonly maxConcurrentActivities?: number;
  /** Activities per second over all workers of the task list. */
  readonly taskListActivitiesPerSecond?: number;
  readonly autoHeartbeat?: boolean;
  readonly nonDeterminismPolicy?: 'block' | 'failWorkflow';
  /** As in Go: any error fails the workflow. Default: only Failures do, others fail the task. */
  readonly failWorkflowOnAnyError?: boolean;
  /** Longest computation of one decision task. */
  readonly deadlockTimeout?: Duration;
  /** How long running activities may go on after shutdown() before they are told to stop. */
  readonly shutdownGrace?: Duration;
  readonly log?: Logger;
}

export interface Worker {
  readonly identity: string;
  /** Workflow types and activity names that this worker runs. */
  readonly workflowTypes: readonly string[];
  readonly activityTypes: readonly string[];
  /** Starts polling. Returns at once. */
  start(): void;
  /** Runs until shutdown. */
  run(): Promise<void>;
  /** Stops polling, drains, reports what finished. */
  shutdown(): Promise<void>;
}

/** Time after the end of grace in which aborted activities may still report. */
const ABORT_REPORT_MS = 5000;

function activityMap(activities: Activities = {}): Map<string, ActivityFunction> {
  const functions = Object.entries(activities).filter(([, value]) => typeof value === 'function');
  return new Map(functions as [string, ActivityFunction][]);
}

interface Poller {
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly drain: () => Promise<void>;
  readonly close: () => void;
}

interface Shared {
  readonly options: WorkerOptions;
  readonly connection: Connection;
  readonly identity: string;
  readonly log: Logger;
}

function createWorkflowPoller(shared: Shared, bundle: WorkflowBundle): Poller & { readonly types: string[] } {
  const { options, identity, log } = shared;
  const { calls } = shared.connection;
  const { domain, taskList, maxCachedWorkflows = 10_000 } = options;
  const sandbox = createSandbox({
    bundle,
    onLog: ({ level, message, fields, workflowId, runId }) =>
      log[level](message, { ...fields, 'wf-id': workflowId, 'wf-run-id': runId }),
    watchdogMs: durationToMs(options.deadlockTimeout ?? '5s'),
    failsOnAnyError: options.failWorkflowOnAnyError ?? false,
  });
  // Loading the bundle once now shows a broken one at start, not at the first task.
  const types = sandbox.guard(() => sandbox.workflowTypes());
  const turns = createSandboxTurns(sandbox);
  const evict = (run: CachedRun): void => {
    run.engine.dispose();
    const workflowExecution = { workflowId: run.workflowId, runId: run.runId };
    // Best effort: without it the next task waits for the sticky timeout.
    calls.call(WorkerAPIService.resetStickyTaskList, { domain, workflowExecution }).catch(() => undefined);
  };
  const cache = createRunCache(maxCachedWorkflows, evict);
  const checksum = options.buildId ?? bundle.checksum;
  const stickyTaskList = maxCachedWorkflows > 0 ? `${os.hostname()}:${randomUUID()}` : undefined;
  const sticky = stickyTaskList
    ? { taskList: stickyTaskList, scheduleToStartSeconds: durationToSeconds(options.stickyScheduleToStart ?? '5s') }
    : undefined;
  const handler = createDecisionTaskHandler({
    load: createRunLoader({ calls, sandbox, turns, cache, domain }),
    respond: createDecisionResponses({ calls, identity, checksum, sticky }),
    turns,
    cache,
    isSticky: sticky !== undefined,
    nonDeterminismPolicy: options.nonDeterminismPolicy ?? 'block',
    log,
  });
  const permits = createPermits(options.maxConcurrentDecisions ?? 100);
  // With two lists one poller could sit on the empty one.
  const count = Math.max(stickyTaskList ? 2 : 1, options.decisionPollers ?? 2);
  const pollers = { calls, handler, domain, taskList, stickyTaskList, identity, checksum, count, permits, log };
  return {
    types,
    run: (signal) => runDecisionPollers(pollers, signal),
    drain: () => permits.idle(),
    close: () => {
      cache.clear();
      turns.close();
    },
  };
}

function createActivityPoller(shared: Shared, activities: ReadonlyMap<string, ActivityFunction>): Poller {
  const { options, identity, log } = shared;
  const { calls } = shared.connection;
  const permits = createPermits(options.maxConcurrentActivities ?? 100);
  const stopped = new AbortController();
  setMaxListeners(0, stopped.signal);
  const pollers = {
    calls,
    activities,
    domain: options.domain,
    taskList: options.taskList,
    identity,
    log,
    autoHeartbeat: options.autoHeartbeat ?? false,
    stopped: stopped.signal,
    count: options.activityPollers ?? 2,
    permits,
    taskListRatePerSecond: options.taskListActivitiesPerSecond ?? 100_000,
  };
  const graceMs = durationToMs(options.shutdownGrace ?? '10s');
  return {
    run: (signal) => runActivityPollers(pollers, signal),
    drain: async () => {
      const abort = setTimeout(() => stopped.abort(), graceMs);
      let giveUp: NodeJS.Timeout | undefined;
      const abandoned = new Promise<void>((resolve) => {
        giveUp = setTimeout(resolve, graceMs + ABORT_REPORT_MS);
      });
      await Promise.race([permits.idle(), abandoned]);
      clearTimeout(abort);
      clearTimeout(giveUp);
    },
    close: () => undefined,
  };
}

/** Makes a worker; it polls from start() or run() on. Bundles the workflows, so it takes a moment. */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { address, connection: given, workflowsPath } = options;
  if (!given && !address) throw new TypeError('a worker needs an address or a connection');
  const bundle = options.workflowBundle ?? (workflowsPath ? await bundleWorkflows({ workflowsPath }) : undefined);
  const activities = activityMap(options.activities);
  if (!bundle && activities.size === 0) throw new TypeError('a worker needs workflows or activities');
  const connection = given ?? connect({ address: address ?? '' });
  const identity = options.identity ?? `${process.pid}@${os.hostname()}@${options.taskList}@${randomUUID()}`;
  const log = options.log ?? createStderrLogger();
  const shared: Shared = { options, connection, identity, log };
  const workflows = bundle ? createWorkflowPoller(shared, bundle) : undefined;
  const pollers: Poller[] = workflows ? [workflows] : [];
  if (activities.size > 0) pollers.push(createActivityPoller(shared, activities));

  const polling = new AbortController();
  // Every poller listens to it.
  setMaxListeners(0, polling.signal);
  let loops: Promise<void>[] | undefined;
  let stopping: Promise<void> | undefined;

  const start = (): void => {
    if (loops || stopping) return;
    loops = pollers.map((poller) => poller.run(polling.signal));
    log.info('worker started', { domain: options.domain, taskList: options.taskList, identity });
  };
  const stop = async (): Promise<void> => {
    polling.abort();
    await Promise.all(loops ?? []);
    await Promise.all(pollers.map((poller) => poller.drain()));
    for (const poller of pollers) poller.close();
    if (!given) connection.close();
    log.info('worker stopped', { taskList: options.taskList, identity });
  };
  const shutdown = (): Promise<void> => {
    stopping ??= stop();
    return stopping;
  };
  return {
    identity,
    workflowTypes: workflows?.types ?? [],
    activityTypes: [...activities.keys()],
    start,
    run: async () => {
      start();
      await Promise.all(loops ?? []);
      await shutdown();
    },
    shutdown,
  };
}
