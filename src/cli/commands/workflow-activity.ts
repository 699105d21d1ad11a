// workflow activity complete and fail: answering for a worker.
import { RespondActivityTaskCompletedByIDRequest, RespondActivityTaskFailedByIDRequest } from '@antiphon/proto';
import type { Command } from 'commander';
import { payloadOf } from '../payload.ts';
import { addCommand, addGroup } from '../spec/command.ts';
import { or, required, text } from '../spec/flags.ts';
import { identity as own, RUN_FLAGS, runOf } from './run-flags.ts';

const ACTIVITY_FLAGS = {
  ...RUN_FLAGS,
  activityId: required(text('activity-id aid', 'id of the activity, as "workflow describe" shows it', 'id')),
  identity: or(text('identity', 'who answers'), own),
};

export function addActivityCommands(workflow: Command): void {
  const activity = addGroup(workflow, { name: 'activity', aliases: ['act'], summary: 'answer for an activity' });
  addCommand(activity, {
    name: 'complete',
    aliases: ['comp'],
    summary: 'complete an activity with a result',
    examples: [`workflow activity complete -w order-1 --activity-id 3 --result '"paid"'`],
    flags: { ...ACTIVITY_FLAGS, result: text('result', 'the result: JSON values', 'json') },
    async run({ flags, context, connection }) {
      const result = payloadOf(flags.result);
      await connection.worker.respondActivityTaskCompletedById(
        RespondActivityTaskCompletedByIDRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          activityId: flags.activityId,
          identity: flags.identity,
          ...(result ? { result } : {}),
        }),
      );
      const { workflowId, activityId } = flags;
      context.output.done(`completed activity ${activityId} of ${workflowId}`, { workflowId, activityId });
    },
  });
  addCommand(activity, {
    name: 'fail',
    summary: 'fail an activity; its retry policy decides what is next',
    examples: ['workflow activity fail -w order-1 --activity-id 3 --reason declined'],
    flags: {
      ...ACTIVITY_FLAGS,
      reason: required(text('reason re', 'why; retry policies compare it')),
      detail: text('detail details', 'more about it', 'text'),
    },
    async run({ flags, context, connection }) {
      await connection.worker.respondActivityTaskFailedById(
        RespondActivityTaskFailedByIDRequest.fromPartial({
          domain: context.domain,
          workflowExecution: runOf(flags),
          activityId: flags.activityId,
          identity: flags.identity,
          failure: { reason: flags.reason, details: Buffer.from(flags.detail ?? '') },
        }),
      );
      const { workflowId, activityId } = flags;
      context.output.done(`failed activity ${activityId} of ${workflowId}`, { workflowId, activityId });
    },
  });
}
