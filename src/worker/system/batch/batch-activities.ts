// Runs a batch job: pages through what the query finds and operates on each run, at the asked rate. Progress is in the heartbeat; an attempt
// after a crash begins with the page that the last one was in, and repeats it, which operations can stand.
// Invariants: at most `concurrency` operations at once, at most `rps` begun in a second; every run of a page ends as a success or an error.

import { CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest } from '@antiphon/proto';
import { ApplicationFailure, activityContext } from '@antiphon/sdk/activity';
import { ServiceError, type ServiceErrorKind } from '#base';
import type { Env } from '#env';
import type { FrontendClient } from '#rpc';
import type { SystemActivityContext } from '../system-workers.ts';
import { type BatchOperation, type BatchRun, createBatchOperation } from './batch-operation.ts';
import { type BatchJob, type BatchParams, type BatchProgress, batchJob, NON_RETRIABLE } from './batch-params.ts';

export interface BatchActivities {
  runBatch(params: Partial<BatchParams>): Promise<BatchProgress>;
}

const RETRY_PAUSE_MS = 200;
const RETRY_PAUSE_MS_MAX = 10_000;
// Nothing that time heals.
const FINAL: ReadonlySet<ServiceErrorKind> = new Set<ServiceErrorKind>([
  'BadRequest',
  'AccessDenied',
  'LimitExceeded',
  'DomainNotActive',
  'FeatureNotEnabled',
  'Unimplemented',
]);

interface Progress {
  pageToken: Uint8Array;
  page: number;
  total: number;
  /** Of the pages that are done. */
  success: number;
  errors: number;
}

type Attempt = Pick<ReturnType<typeof activityContext>, 'signal' | 'sleep' | 'heartbeat'>;

export function batchActivities({ env, frontend, cluster }: SystemActivityContext): BatchActivities {
  return {
    async runBatch(params) {
      const job = batchJob(params);
      const attempt = activityContext();
      const operate = createBatchOperation(job, { frontend, cluster, jobId: attempt.info.workflowId });
      const progress = resumed(attempt.heartbeatDetails) ?? (await estimated(frontend, job));
      for (;;) {
        attempt.heartbeat(shown(progress, 0, 0));
        const page = await findPage(frontend, job, progress.pageToken);
        const done = await workPage(env, job, page.runs, operate, attempt, (success, errors) =>
          attempt.heartbeat(shown(progress, success, errors)),
        );
        progress.success += done.success;
        progress.errors += done.errors;
        progress.page++;
        progress.pageToken = page.next;
        if (page.next.length === 0) return shown(progress, 0, 0);
      }
    },
  };
}

/** Beside what Cadence shows, the counts of finished pages: those of the page in work begin anew when it is repeated. */
function shown(progress: Progress, success: number, errors: number): BatchProgress & { Finished: object } {
  return {
    PageToken: progress.pageToken.length === 0 ? null : Buffer.from(progress.pageToken).toString('base64'),
    CurrentPage: progress.page,
    TotalEstimate: progress.total,
    SuccessCount: progress.success + success,
    ErrorCount: progress.errors + errors,
    Finished: { SuccessCount: progress.success, ErrorCount: progress.errors },
  };
}

function resumed([details]: readonly unknown[]): Progress | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  // What an earlier attempt of this activity wrote.
  const last = details as ReturnType<typeof shown> & { Finished: { SuccessCount: number; ErrorCount: number } };
  return {
    pageToken: Buffer.from(last.PageToken ?? '', 'base64'),
    page: last.CurrentPage,
    total: last.TotalEstimate,
    success: last.Finished.SuccessCount,
    errors: last.Finished.ErrorCount,
  };
}

async function estimated(frontend: FrontendClient, { domain, query }: BatchJob): Promise<Progress> {
  const { count } = await asked(() =>
    frontend.visibility.countWorkflowExecutions(CountWorkflowExecutionsRequest.fromPartial({ domain, query })),
  );
  return { pageToken: new Uint8Array(), page: 0, total: Number(count), success: 0, errors: 0 };
}

async function findPage(frontend: FrontendClient, job: BatchJob, nextPageToken: Uint8Array) {
  const { domain, query, pageSize } = job;
  const request = ListWorkflowExecutionsRequest.fromPartial({ domain, query, pageSize, nextPageToken });
  const page = await asked(() => frontend.visibility.scanWorkflowExecutions(request));
  const runs = page.executions.map(
    ({ workflowExecution }): BatchRun => ({
      domain,
      workflowId: workflowExecution?.workflowId ?? '',
      runId: workflowExecution?.runId ?? '',
    }),
  );
  return { runs, next: page.nextPageToken };
}

/** A query that is wrong is wrong for good. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ServiceError && (FINAL.has(error.kind) || error.kind === 'EntityNotExists')) {
      throw new ApplicationFailure(error.message, { type: NON_RETRIABLE, cause: error });
    }
    throw error;
  }
}

async function workPage(
  env: Env,
  job: BatchJob,
  runs: readonly BatchRun[],
  operate: BatchOperation,
  attempt: Attempt,
  report: (success: number, errors: number) => void,
): Promise<{ success: number; errors: number }> {
  const queue = runs.values();
  const pace = createPace(env, job.rps, attempt);
  let success = 0;
  let errors = 0;
  const work = async (): Promise<void> => {
    for (const run of queue) {
      await pace();
      const failure = await tried(env, job, run, operate, attempt);
      if (failure === undefined) success++;
      else {
        errors++;
        const fields = {
          'wf-id': run.workflowId,
          'wf-run-id': run.runId,
          'wf-domain-name': run.domain,
          error: failure,
        };
        env.logger.warn('batch operation failed', fields);
      }
      report(success, errors);
    }
  };
  await Promise.all(Array.from({ length: job.concurrency }, work));
  return { success, errors };
}

/** Undefined when it worked, in the end. */
async function tried(
  env: Env,
  job: BatchJob,
  run: BatchRun,
  operate: BatchOperation,
  { signal, sleep }: Attempt,
): Promise<unknown> {
  let pauseMs = RETRY_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await operate(run);
      return undefined;
    } catch (error) {
      const isFinal = error instanceof ServiceError && FINAL.has(error.kind);
      if (isFinal || attempt >= job.attempts) return error;
      await sleep(pauseMs * (0.5 + env.random.next() / 2));
      pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS_MAX);
    }
  }
}

/** Waits for the caller's turn: turns are `1 / rps` seconds apart. */
function createPace(env: Env, rps: number, { sleep, signal }: Attempt): () => Promise<void> {
  const intervalMs = 1000 / rps;
  let nextMs = env.clock.monotonicMs();
  return async () => {
    const nowMs = env.clock.monotonicMs();
    nextMs = Math.max(nextMs, nowMs) + intervalMs;
    const waitMs = nextMs - intervalMs - nowMs;
    if (waitMs > 0) await sleep(waitMs);
    signal.throwIfAborted();
  };
}
