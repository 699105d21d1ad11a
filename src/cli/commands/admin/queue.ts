// admin queue describe and reset: how far a shard's task queue has come.
import { DescribeQueueRequest, ResetQueueRequest } from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { addCommand } from '../../spec/command.ts';
import { on, required, text, whole } from '../../spec/flags.ts';
import { confirm } from '../../ui/prompt.ts';
import { TASK_TYPES, taskTypeFlag } from './task-type.ts';

const QUEUE_FLAGS = {
  shardId: required(whole('shard-id sid', 'number of the shard')),
  cluster: required(text('cluster', 'the region whose tasks the queue does', 'name')),
  queueType: required(taskTypeFlag('queue-type')),
};

export function addQueueCommands(queue: Command): void {
  addCommand(queue, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'states of a queue: levels and what is under way',
    examples: ['admin queue describe --shard-id 3 --cluster region-a --queue-type transfer'],
    flags: QUEUE_FLAGS,
    async run({ flags, context, connection }) {
      const { processingQueueStates } = await connection.admin.describeQueue(
        DescribeQueueRequest.fromPartial({
          shardId: flags.shardId,
          clusterName: flags.cluster,
          taskType: TASK_TYPES[flags.queueType],
        }),
      );
      const rows = processingQueueStates.map((state) => ({ state }));
      context.output.rows(['state'], rows, 'The queue has no state.');
    },
  });
  addCommand(queue, {
    name: 'reset',
    summary: 'start a queue again from the tasks that are stored; each is done at least once more',
    flags: { ...QUEUE_FLAGS, yes: on('yes y', 'do not ask') },
    async run({ flags, context, connection }) {
      const question = `Reset the ${flags.queueType} queue of shard ${flags.shardId}?`;
      await confirm(question, { yes: flags.yes, inScripts: 'go-on' });
      await connection.admin.resetQueue(
        ResetQueueRequest.fromPartial({
          shardId: flags.shardId,
          clusterName: flags.cluster,
          taskType: TASK_TYPES[flags.queueType],
        }),
      );
      context.output.done(`reset the ${flags.queueType} queue of shard ${flags.shardId}`, { shardId: flags.shardId });
    },
  });
}
