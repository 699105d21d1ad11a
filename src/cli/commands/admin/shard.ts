// admin shard and admin history_host: which host owns which shard, and which shard a workflow is in.
import {
  CloseShardRequest,
  DescribeHistoryHostRequest,
  DescribeShardDistributionRequest,
  RemoveTaskRequest,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { fingerprint32 } from '#base';
import type { Connection } from '../../connection.ts';
import { usageError } from '../../failure.ts';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { on, or, required, text, whole } from '../../spec/flags.ts';
import { confirm } from '../../ui/prompt.ts';
import { wireTime } from '../../wire-time.ts';
import { RUN_FLAGS } from '../run-flags.ts';
import { TASK_TYPES, taskTypeFlag } from './task-type.ts';

const shardId = required(whole('shard-id sid', 'number of the shard'));

const distribution = (connection: Connection, pageSize: number, pageId: number) =>
  connection.admin.describeShardDistribution(DescribeShardDistributionRequest.fromPartial({ pageSize, pageId }));

export function addShardCommands(shard: Command): void {
  addCommand(shard, {
    name: 'list',
    aliases: ['l'],
    summary: 'shards and the hosts that own them',
    flags: {
      pagesize: or(whole('pagesize ps', 'shards of a page'), 100),
      pageId: or(whole('page-id', 'which page, from 0'), 0),
      ...PRINT_FLAGS,
    },
    async run({ flags, context, connection }) {
      const { numberOfShards, shards } = await distribution(connection, flags.pagesize, flags.pageId);
      const rows = Object.entries(shards)
        .map(([id, host]) => ({ shardId: Number(id), host }))
        .sort((a, b) => a.shardId - b.shardId);
      context.output.rows(['shardId', 'host'], rows, 'No shard on this page.');
      context.output.note(`${rows.length} of ${numberOfShards} shards`);
    },
  });
  addCommand(shard, {
    name: 'describe',
    aliases: ['d'],
    summary: 'the host that owns a shard',
    flags: { shardId, ...PRINT_FLAGS },
    positional: ['shardId'],
    async run({ flags, context, connection }) {
      const response = await connection.admin.describeHistoryHost(
        DescribeHistoryHostRequest.fromPartial({ describeBy: { $case: 'shardId', value: flags.shardId } }),
      );
      const { address, shardControllerStatus, numberOfShards } = response;
      context.output.record({
        shardId: flags.shardId,
        host: address,
        isOwned: response.shardIds.includes(flags.shardId),
        hostStatus: shardControllerStatus,
        shardsOfHost: numberOfShards,
      });
    },
  });
  addCommand(shard, {
    name: 'closeShard',
    aliases: ['clsh', 'close'],
    summary: 'make the owner give a shard up; it is acquired again at once',
    flags: { shardId, yes: on('yes y', 'do not ask') },
    positional: ['shardId'],
    async run({ flags, context, connection }) {
      await confirm(`Close shard ${flags.shardId}?`, { yes: flags.yes, inScripts: 'go-on' });
      await connection.admin.closeShard(CloseShardRequest.fromPartial({ shardId: flags.shardId }));
      context.output.done(`closed shard ${flags.shardId}`, { shardId: flags.shardId });
    },
  });
  addCommand(shard, {
    name: 'move',
    aliases: ['mv'],
    summary: 'put a shard on a host and keep it there, or give it back to the ring; asks',
    details: 'The host that has it makes all accepted work durable first. A pin counts as long as its host is alive.',
    examples: ['admin shard move 3 10.0.0.2:7900', 'admin shard move 3 --unpin'],
    flags: {
      shardId,
      to: text('to host', 'id of the host, as `admin cluster hosts` names it', 'host:port'),
      unpin: on('unpin', 'wherever the ring puts it'),
      yes: on('yes y', 'do not ask'),
    },
    positional: ['shardId', 'to'],
    async run({ flags, context, connection }) {
      if ((flags.to === undefined) === !flags.unpin) throw usageError('say where to: --to <host>, or --unpin');
      const where = flags.to ?? 'where the ring puts it';
      await confirm(`Move shard ${flags.shardId} to ${where}?`, { yes: flags.yes, inScripts: 'go-on' });
      const { hostId } = await connection.hosts.moveShard({ shardId: flags.shardId, hostId: flags.to ?? '' });
      context.output.done(`shard ${flags.shardId} belongs to ${hostId}`, { shardId: flags.shardId, host: hostId });
    },
  });
  addCommand(shard, {
    name: 'removeTask',
    aliases: ['rmtk', 'remove-task'],
    summary: 'remove one task of a shard, which nobody will do then',
    flags: {
      shardId,
      taskId: required(whole('task-id', 'id of the task')),
      taskType: required(taskTypeFlag('task-type')),
      taskTimestamp: whole('task-timestamp', 'of a timer: when it is due, in Unix nanoseconds'),
      cluster: or(text('cluster', 'of a replication task: the region it is for', 'name'), ''),
      yes: on('yes y', 'do not ask'),
    },
    async run({ flags, context, connection }) {
      if (flags.taskType === 'timer' && flags.taskTimestamp === undefined) {
        throw usageError('--task-type timer needs --task-timestamp');
      }
      await confirm(`Remove task ${flags.taskId} of shard ${flags.shardId}?`, { yes: flags.yes, inScripts: 'go-on' });
      await connection.admin.removeTask(
        RemoveTaskRequest.fromPartial({
          shardId: flags.shardId,
          taskType: TASK_TYPES[flags.taskType],
          taskId: BigInt(flags.taskId),
          clusterName: flags.cluster,
          ...(flags.taskTimestamp === undefined ? {} : { visibilityTime: wireTime(flags.taskTimestamp / 1e6) }),
        }),
      );
      context.output.done(`removed task ${flags.taskId}`, { shardId: flags.shardId, taskId: flags.taskId });
    },
  });
}

export function addHistoryHostCommands(host: Command): void {
  addCommand(host, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'a host: found by a workflow, a shard or its address',
    flags: {
      workflowId: text('workflow-id w wid', 'the host that has this workflow', 'id'),
      shardId: whole('shard-id sid', 'the host that owns this shard'),
      historyAddress: text('history-address had', 'the host with this address', 'host:port'),
      printFull: on('print-full pf', 'with the ids of its shards'),
      ...PRINT_FLAGS,
    },
    async run({ flags, context, connection }) {
      const by =
        flags.workflowId !== undefined
          ? ({ $case: 'workflowExecution', value: { workflowId: flags.workflowId } } as const)
          : flags.shardId !== undefined
            ? ({ $case: 'shardId', value: flags.shardId } as const)
            : flags.historyAddress !== undefined
              ? ({ $case: 'hostAddress', value: flags.historyAddress } as const)
              : undefined;
      if (by === undefined) throw usageError('say which host: --workflow-id, --shard-id or --history-address');
      const { shardIds, ...rest } = await connection.admin.describeHistoryHost(
        DescribeHistoryHostRequest.fromPartial({ describeBy: by }),
      );
      context.output.record(flags.printFull ? { ...rest, shardIds } : rest);
    },
  });
  addCommand(host, {
    name: 'getshard',
    aliases: ['gsh'],
    summary: 'the shard of a workflow id',
    details:
      'Shards are equal ranges of the hash of the workflow id. Without --number-of-shards the server is asked how many there are.',
    flags: {
      workflowId: RUN_FLAGS.workflowId,
      numberOfShards: whole('number-of-shards', 'how many shards the store has'),
    },
    positional: ['workflowId'],
    async run({ flags, context, connection }) {
      const count = flags.numberOfShards ?? (await distribution(connection, 1, 0)).numberOfShards;
      if (count < 1) throw usageError('--number-of-shards must be 1 or more');
      const id = Math.floor((fingerprint32(flags.workflowId) * count) / 2 ** 32);
      context.output.line(String(id), { workflowId: flags.workflowId, shardId: id });
    },
  });
}
