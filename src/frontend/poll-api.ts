// Long polls of workers. A poll holds no more than a promise while it waits; it ends with an empty answer before its deadline, and at once
// when its caller hangs up or the host stops, so that no task is handed to nobody.
import { PollForActivityTaskResponse, PollForDecisionTaskResponse, type TaskList, TaskListKind } from '@antiphon/proto';
import { badRequest } from '#base';
import type { DomainView } from '#core';
import { refuseSystemTaskList } from '#domains';
import type { CallContext, CallOptions, Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { waitUntilServed } from './isolation-drain.ts';
import { takeBackDecision } from './lost-decision.ts';
import type { Call, Pipeline, Traits } from './pipeline.ts';
import type { FrontendDeps, FrontendOptions } from './ports.ts';
import { checkEnum, checkLength, requireTaskList } from './request-checks.ts';

type WorkerHandlers = Handlers<(typeof SERVICE_DEFINITIONS)['worker']>;

const POLL: Traits = { class: 'poll', forward: 'never' };

/** Ends every waiting poll with an empty answer. */
export interface PollGate {
  readonly isClosed: boolean;
  /** Runs a poll whose signal aborts with the caller's or with the gate. `lost` has what came for a caller that is gone. */
  hold<T>(
    context: CallContext,
    empty: () => T,
    poll: (options: CallOptions) => Promise<T>,
    lost?: (reply: T) => Promise<void>,
  ): Promise<T>;
  close(): void;
}

export function createPollGate(): PollGate {
  const waiting = new Set<AbortController>();
  let isClosed = false;
  return {
    get isClosed() {
      return isClosed;
    },
    async hold(context, empty, poll, lost) {
      if (isClosed) return empty();
      const controller = new AbortController();
      let isGone = false;
      const forget = context.onAbort(() => {
        isGone = true;
        controller.abort();
      });
      waiting.add(controller);
      try {
        const reply = await poll({ signal: controller.signal, deadlineMs: context.deadlineMs });
        if (isGone) await lost?.(reply);
        return reply;
      } catch (error) {
        if (controller.signal.aborted) return empty();
        throw error;
      } finally {
        waiting.delete(controller);
        forget();
      }
    },
    close() {
      isClosed = true;
      for (const controller of waiting) controller.abort();
    },
  };
}

export function createPollApi(
  deps: FrontendDeps,
  options: FrontendOptions,
  { serve, byDomain }: Pipeline,
  gate: PollGate,
): WorkerHandlers {
  const { env, matching } = deps;
  const requireTime = ({ deadlineMs }: CallContext): void => {
    if (deadlineMs === undefined) throw badRequest('Context timeout is not set.');
    if (deadlineMs - env.clock.nowMs() < options.pollTimeoutMsMin) throw badRequest('Context timeout is too short.');
  };
  // Without a promise where isolation is off: that is nearly every poll.
  const isServed = (
    domain: DomainView,
    { isolationGroup }: CallContext,
    wait: CallOptions,
  ): boolean | Promise<boolean> =>
    isolationGroup === '' || waitUntilServed(env, deps.isolationGroups, domain, isolationGroup, wait);
  const checkPoll = (
    request: { taskList?: TaskList | undefined; identity: string },
    { context, limits }: Call<DomainView>,
  ): TaskList => {
    requireTime(context);
    checkLength(request.identity, limits, 'Identity');
    const taskList = requireTaskList(request.taskList, limits);
    if (!context.isSystem) refuseSystemTaskList(taskList.name);
    checkEnum(taskList.kind, TaskListKind, 'TaskListKind');
    return { ...taskList, kind: taskList.kind || TaskListKind.TASK_LIST_KIND_NORMAL };
  };
  return {
    pollForDecisionTask: serve('worker', 'pollForDecisionTask', POLL, byDomain, async (request, call) => {
      const { context, subject: domain } = call;
      const taskList = checkPoll(request, call);
      if (domain.badBinaries.has(request.binaryChecksum)) {
        throw badRequest(`binary ${request.binaryChecksum} already marked as bad deployment`);
      }
      const poll = {
        domainId: domain.id,
        taskList,
        identity: request.identity,
        isolationGroup: context.isolationGroup,
        pollerId: env.random.uuid(),
        caller: context.caller,
      };
      const empty = () => ({ response: PollForDecisionTaskResponse.create(), historyBlobs: [] });
      return gate.hold(
        context,
        empty,
        async (waitOptions) =>
          (await isServed(domain, context, waitOptions)) ? matching.pollForDecisionTask(poll, waitOptions) : empty(),
        ({ response }) => takeBackDecision(deps, response, request),
      );
    }),

    pollForActivityTask: serve('worker', 'pollForActivityTask', POLL, byDomain, async (request, call) => {
      const { context, subject: domain } = call;
      const taskList = checkPoll(request, call);
      const maxTasksPerSecond = request.taskListMetadata?.maxTasksPerSecond;
      if (maxTasksPerSecond !== undefined && !(maxTasksPerSecond >= 0)) {
        throw badRequest('MaxTasksPerSecond cannot be less than 0.');
      }
      const poll = {
        domainId: domain.id,
        taskList,
        identity: request.identity,
        isolationGroup: context.isolationGroup,
        pollerId: env.random.uuid(),
        maxTasksPerSecond,
      };
      const empty = (): PollForActivityTaskResponse => PollForActivityTaskResponse.create();
      return gate.hold(context, empty, async (waitOptions) =>
        (await isServed(domain, context, waitOptions)) ? matching.pollForActivityTask(poll, waitOptions) : empty(),
      );
    }),
  };
}
