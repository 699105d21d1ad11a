// Entry of the bundle that a worker evaluates once in its sandbox: the SDK shared by all runs, and the dispatcher through
// which the engine drives them. The user's bundle is a function that is called once per run, so that module-level state
// belongs to the run.
import * as common from '../common/index.ts';
import { activate, answerQuery, settle, type WorkflowExports, workflowsOf } from './activator.ts';
import { enterRun, findCurrentRun, type HostBridge, installBridge } from './current-run.ts';
import { installDeterministicGlobals } from './deterministic-globals.ts';
import * as workflow from './index.ts';
import type { Activation, Job, RunInfo, SandboxRequest } from './protocol.ts';
import { WorkflowRun } from './workflow-run.ts';

type BundleFactory = (
  module: { exports: Record<string, unknown> },
  exports: Record<string, unknown>,
  require: (name: string) => unknown,
  runGlobal: object,
) => void;

interface LoadedRun {
  readonly run: WorkflowRun;
  readonly exports: WorkflowExports;
}

const SHARED_MODULES: Readonly<Record<string, unknown>> = {
  '@antiphon/sdk/workflow': workflow,
  '@antiphon/sdk/common': common,
};

function requireShared(name: string): unknown {
  const shared = SHARED_MODULES[name];
  if (!shared) throw new Error(`module "${name}" is not available in workflow code`);
  return shared;
}

function evaluateBundle(factory: BundleFactory): WorkflowExports {
  const module: { exports: Record<string, unknown> } = { exports: {} };
  // Writes to globalThis stay with the run: its own object, with the real one behind it.
  factory(module, module.exports, requireShared, Object.create(globalThis) as object);
  return module.exports;
}

const PROBE: RunInfo = {
  workflowId: '',
  runId: '',
  originalRunId: '',
  firstRunId: '',
  workflowType: '',
  domain: '',
  taskList: '',
  attempt: 0,
  executionTimeoutSeconds: 0,
  taskTimeoutSeconds: 0,
  startTimeMs: 0,
  cronSchedule: '',
  continuedRunId: '',
  parent: null,
  memo: {},
  searchAttributes: {},
  lastCompletionResult: null,
  lastFailure: null,
};

/** Called once by the host. Returns the dispatcher: takes the pending request from the bridge, answers as JSON. */
export function startSandbox(bridge: HostBridge, factory: BundleFactory, failsOnAnyError: boolean): () => string {
  installBridge(bridge);
  installDeterministicGlobals();
  const runs = new Map<string, LoadedRun>();

  const load = (key: string, activation: Activation): LoadedRun => {
    const known = runs.get(key);
    if (known) return known;
    const start = activation.jobs.find((job): job is Extract<Job, { kind: 'start' }> => job.kind === 'start');
    if (!start) throw new Error(`run ${key} is unknown to the sandbox and its activation does not start it`);
    const run = new WorkflowRun(start.info, activation.nowMs, failsOnAnyError);
    enterRun(run);
    const loaded = { run, exports: evaluateBundle(factory) };
    runs.set(key, loaded);
    return loaded;
  };

  const handle = (request: SandboxRequest): unknown => {
    switch (request.op) {
      case 'types': {
        enterRun(new WorkflowRun(PROBE, 0, false));
        const types = [...workflowsOf(evaluateBundle(factory)).keys()];
        enterRun(undefined);
        return types;
      }
      case 'activate': {
        const { run, exports } = load(request.run, request.activation);
        enterRun(run);
        activate(run, request.activation, exports);
        return null;
      }
      case 'settle': {
        const run = findCurrentRun();
        if (!run) throw new Error('no run is active in the sandbox');
        return settle(run) ?? null;
      }
      case 'query': {
        const loaded = runs.get(request.run);
        if (!loaded) return { ok: false, message: 'the run is not loaded' };
        enterRun(loaded.run);
        return answerQuery(loaded.run, request.name, request.args);
      }
      case 'dispose':
        runs.delete(request.run);
        return null;
    }
  };
  return () => JSON.stringify(handle(JSON.parse(bridge.take()) as SandboxRequest));
}
