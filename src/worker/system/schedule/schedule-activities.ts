// The activities of schedules: a step (what is due now is started) and the wait for a run's close. They are repeated after a crash, so both can
// be: starts carry ids made of the schedule and the fire, and the service takes each once.

import { setMaxListeners } from 'node:events';
import { DescribeWorkflowExecutionRequest, EventFilterType, GetWorkflowExecutionHistoryRequest } from '@antiphon/proto';
import { ApplicationFailure, activityContext } from '@antiphon/sdk/activity';
import { EntityNotExistsError } from '#base';
import type { ScheduledRun, ScheduleInput } from '#core';
import type { FrontendClient } from '#rpc';
import type { SystemActivityContext } from '../system-workers.ts';
import { type ScheduleStep, stepSchedule, WATCHED_RUNS_MAX } from './schedule-step.ts';
import { createRunStarter } from './scheduled-start.ts';

export interface ScheduleActivities {
  advanceSchedule(input: ScheduleInput): Promise<ScheduleStep>;
  /** Returns when one of the runs is not open any more. */
  awaitRunClose(runs: readonly ScheduledRun[]): Promise<void>;
}

// The workflow's timers count whole seconds and end up to one before the fire.
const EARLY_MS_MAX = 1_500;
const LONG_POLL_MS = 20_000;
// Waits of all schedules of a domain; each is a long poll. More are tried again later, and hold nothing meanwhile.
const WAITS_MAX = 8_000;

export function scheduleActivities({ env, domain, frontend }: SystemActivityContext): ScheduleActivities {
  let waits = 0;
  return {
    async advanceSchedule(input) {
      const { info, sleep } = activityContext();
      const self = { workflowId: info.workflowId, runId: info.runId };
      const nowMs = (): number => env.clock.nowMs();
      return stepSchedule(input, {
        nowMs,
        async waitUntil(timeMs) {
          const leftMs = timeMs - nowMs();
          // Not the fire that this step was woken for.
          if (leftMs <= 0 || leftMs > EARLY_MS_MAX) return true;
          const before = await historyLength(frontend, domain, self);
          await sleep(leftMs);
          // A command that came in the meantime may forbid what would be done now.
          return (await historyLength(frontend, domain, self)) === before;
        },
        ...createRunStarter({ frontend, domain, input }),
      });
    },

    async awaitRunClose(runs) {
      if (waits >= WAITS_MAX) throw new ApplicationFailure('too many schedules of the domain wait for their runs');
      const { signal } = activityContext();
      const stop = new AbortController();
      setMaxListeners(WATCHED_RUNS_MAX, stop.signal);
      const abort = (): void => stop.abort();
      signal.addEventListener('abort', abort, { once: true });
      waits++;
      try {
        const watched = runs.slice(0, WATCHED_RUNS_MAX);
        await Promise.race(watched.map((run) => untilClosed(frontend, domain, run, stop.signal)));
      } finally {
        waits--;
        stop.abort();
        signal.removeEventListener('abort', abort);
      }
      signal.throwIfAborted();
    },
  };
}

async function historyLength(
  frontend: FrontendClient,
  domain: string,
  workflowExecution: { workflowId: string; runId: string },
): Promise<bigint | undefined> {
  const request = DescribeWorkflowExecutionRequest.fromPartial({ domain, workflowExecution });
  const { workflowExecutionInfo } = await frontend.workflow.describeWorkflowExecution(request);
  return workflowExecutionInfo?.historyLength;
}

/** Long polls for the close event of the chain's newest run. */
async function untilClosed(
  frontend: FrontendClient,
  domain: string,
  { workflowId }: ScheduledRun,
  signal: AbortSignal,
): Promise<void> {
  let nextPageToken: Uint8Array = new Uint8Array();
  while (!signal.aborted) {
    const request = GetWorkflowExecutionHistoryRequest.fromPartial({
      domain,
      workflowExecution: { workflowId },
      waitForNewEvent: true,
      historyEventFilterType: EventFilterType.EVENT_FILTER_TYPE_CLOSE_EVENT,
      skipArchival: true,
      nextPageToken,
    });
    try {
      const page = await frontend.workflow.getWorkflowExecutionHistory(request, { timeoutMs: LONG_POLL_MS, signal });
      nextPageToken = page.nextPageToken;
      const last = page.history?.events.at(-1)?.attributes;
      if (last === undefined) continue;
      if (last.$case !== 'workflowExecutionContinuedAsNewEventAttributes') return;
      nextPageToken = new Uint8Array();
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof EntityNotExistsError) return; // Retention was faster.
      throw error;
    }
  }
}
