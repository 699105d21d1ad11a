// admin tasklist describe, list, update-partition: levels and partitions of a task list.

import { type DescribeTaskListResponse, TaskListKind } from '@antiphon/proto';
import { UpdateTaskListPartitionConfigRequest } from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { CliError, EXIT, usageError } from '../../failure.ts';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { on, required, whole } from '../../spec/flags.ts';
import { addTaskListList, describeTaskList, TASK_LIST_FLAGS, taskListTypeOf, typesOf } from '../tasklist.ts';

export function addAdminTaskListCommands(taskList: Command): void {
  addCommand(taskList, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'levels, backlog, rate and partitions',
    flags: { ...TASK_LIST_FLAGS, ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const rows: Record<string, unknown>[] = [];
      for (const type of typesOf(flags.type)) {
        const response = await describeTaskList(connection, context, flags.name, type);
        const { taskListStatus: status, partitionConfig: config } = response;
        rows.push({
          type,
          pollers: response.pollers.length,
          readLevel: status?.readLevel,
          ackLevel: status?.ackLevel,
          backlog: status?.backlogCountHint,
          ratePerSecond: status?.ratePerSecond,
          leaseFrom: status?.taskIdBlock?.startId,
          leaseTo: status?.taskIdBlock?.endId,
          readPartitions: config ? readCount(config) : 1,
          writePartitions: config ? Object.keys(config.writePartitions).length || config.numWritePartitions : 1,
          partitionVersion: config?.version ?? 0,
        });
      }
      context.output.rows(
        [
          ...['type', 'pollers', 'readLevel', 'ackLevel', 'backlog', 'ratePerSecond', 'leaseFrom', 'leaseTo'],
          ...['readPartitions', 'writePartitions', 'partitionVersion'],
        ],
        rows,
        '',
      );
    },
  });
  addTaskListList(taskList);
  addUpdatePartition(taskList);
}

type PartitionConfig = NonNullable<DescribeTaskListResponse['partitionConfig']>;
const readCount = (config: PartitionConfig): number =>
  Object.keys(config.readPartitions).length || config.numReadPartitions;
const writeCount = (config: PartitionConfig): number =>
  Object.keys(config.writePartitions).length || config.numWritePartitions;

const partitions = (count: number): Record<number, { isolationGroups: string[] }> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [index, { isolationGroups: [] }]));

function addUpdatePartition(taskList: Command): void {
  addCommand(taskList, {
    name: 'update-partition',
    aliases: ['up'],
    summary: 'set how many partitions a task list has',
    details:
      'To have fewer, lower the write partitions first, wait until the others are empty, then lower the read partitions. ' +
      'Without --force it refuses what could strand tasks, and a list that nobody polls.',
    examples: ['admin tasklist update-partition orders --num-read-partitions 4 --num-write-partitions 4'],
    flags: {
      ...TASK_LIST_FLAGS,
      numReadPartitions: required(whole('num-read-partitions nrp', 'partitions that workers poll')),
      numWritePartitions: required(whole('num-write-partitions nwp', 'partitions that get new tasks')),
      force: on('force f', 'even when it is not safe'),
    },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const { numReadPartitions: reads, numWritePartitions: writes } = flags;
      if (reads < 1 || writes < 1) throw usageError('a task list has at least one partition to read and one to write');
      const types = typesOf(flags.type);
      if (!flags.force) {
        let pollers = 0;
        for (const type of types) {
          const response = await describeTaskList(connection, context, flags.name, type);
          pollers += response.pollers.length;
          if (response.partitionConfig) await checkSafe(type, reads, response.partitionConfig);
        }
        if (pollers === 0) throw unsafe(`nobody polls ${flags.name}. Is the name right?`);
      }
      for (const type of types) {
        await connection.admin.updateTaskListPartitionConfig(
          UpdateTaskListPartitionConfigRequest.fromPartial({
            domain: context.domain,
            taskList: { name: flags.name, kind: TaskListKind.TASK_LIST_KIND_NORMAL },
            taskListType: taskListTypeOf(type),
            partitionConfig: {
              numReadPartitions: reads,
              numWritePartitions: writes,
              readPartitions: partitions(reads),
              writePartitions: partitions(writes),
            },
          }),
        );
        context.output.done(`${flags.name} (${type}): ${reads} to read, ${writes} to write`, {
          name: flags.name,
          type,
          readPartitions: reads,
          writePartitions: writes,
        });
      }

      async function checkSafe(type: 'decision' | 'activity', wanted: number, config: PartitionConfig): Promise<void> {
        if (wanted < writeCount(config)) {
          throw unsafe(`${type}: ${writeCount(config)} partitions still get tasks; lower the write partitions first`);
        }
        for (let index = wanted; index < readCount(config); index++) {
          const partition = `/__cadence_sys/${flags.name}/${index}`;
          const { taskListStatus } = await describeTaskList(connection, context, partition, type);
          const backlog = Number(taskListStatus?.backlogCountHint ?? 0);
          if (backlog > 0) throw unsafe(`${type}: partition ${index} still has ${backlog} tasks`);
        }
      }
    },
  });
}

const unsafe = (why: string): CliError =>
  new CliError(`not safe: ${why}`, { exitCode: EXIT.refused, hint: 'Give --force to do it anyway.' });
