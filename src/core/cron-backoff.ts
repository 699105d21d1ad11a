// When a run may begin: the backoff before its first decision, and the pause between two runs of a cron schedule (semantics §2.11).
import { CronOverlapPolicy, type StartWorkflowExecutionRequest } from '@antiphon/proto';
import { nextCronTime, parseCronSchedule } from './cron.ts';
import { msOf, secondsOf } from './wire-time.ts';

/** Seconds from a run's start to its first decision, as the request asks. */
export function firstDecisionBackoffSeconds(
  request: Pick<StartWorkflowExecutionRequest, 'firstRunAt' | 'delayStart' | 'jitterStart' | 'cronSchedule'>,
  nowMs: number,
  random: () => number,
): number {
  const firstRunAtMs = msOf(request.firstRunAt);
  if (firstRunAtMs > nowMs) return Math.floor((firstRunAtMs - nowMs) / 1000);
  const delaySeconds = secondsOf(request.delayStart);
  const jitterMax = secondsOf(request.jitterStart);
  const jitterSeconds = jitterMax > 0 ? Math.floor(random() * (jitterMax + 1)) : 0;
  if (request.cronSchedule === '') return delaySeconds + jitterSeconds;
  const beginMs = nowMs + delaySeconds * 1000;
  const nextMs = nextCronTime(request.cronSchedule, beginMs);
  if (nextMs === undefined) return delaySeconds + jitterSeconds;
  return delaySeconds + Math.ceil((nextMs - beginMs) / 1000) + jitterSeconds;
}

/**
 * Seconds from the close of a cron run to its next one; undefined when the schedule has no more fires. Fires are counted from when the
 * run was due. SKIPPED waits for the first fire at or after the close, BUFFER_ONE makes up for a missed one at once.
 */
export function nextCronBackoffSeconds(
  expression: string,
  executionTimeMs: number,
  closeTimeMs: number,
  overlap: CronOverlapPolicy,
): number | undefined {
  const schedule = parseCronSchedule(expression);
  let nextMs = nextCronTime(schedule, executionTimeMs);
  if (nextMs === undefined) return undefined;
  if (nextMs < closeTimeMs) {
    if (overlap === CronOverlapPolicy.CRON_OVERLAP_POLICY_BUFFER_ONE) return 0;
    if (schedule.kind === 'interval') {
      const intervalMs = schedule.seconds * 1000;
      nextMs += Math.ceil((closeTimeMs - nextMs) / intervalMs) * intervalMs;
    } else {
      nextMs = nextCronTime(schedule, closeTimeMs - 1);
      if (nextMs === undefined) return undefined;
    }
  }
  return Math.ceil((nextMs - closeTimeMs) / 1000);
}
