// admin workflow show, describe, refresh-tasks, delete, fix_corruption; admin kafka rereplicate.
import fs from 'node:fs';
import type { HistoryEvent } from '@antiphon/proto';
import {
  DeleteWorkflowRequest,
  DescribeWorkflowExecutionRequest,
  MaintainCorruptWorkflowRequest,
  RefreshWorkflowTasksRequest,
  ResendReplicationTasksRequest,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { historyJson } from '../../cadence-history.ts';
import { usageError } from '../../failure.ts';
import { addCommand } from '../../spec/command.ts';
import { on, or, required, text, whole } from '../../spec/flags.ts';
import { eventLine, eventRecord, eventTimeMs } from '../../ui/event-line.ts';
import { confirm } from '../../ui/prompt.ts';
import { historyEvents } from '../follow.ts';
import { addRefreshTasks } from '../refresh-tasks.ts';
import { RUN_FLAGS, runOf } from '../run-flags.ts';

export function addAdminWorkflowCommands(workflow: Command): void {
  addShow(workflow);
  addCommand(workflow, {
    name: 'describe',
    aliases: ['desc'],
    summary: 'the mutable state of a run, and its shard and host',
    flags: RUN_FLAGS,
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const response = await connection.admin.describeWorkflowExecution(
        DescribeWorkflowExecutionRequest.fromPartial({ domain: context.domain, workflowExecution: runOf(flags) }),
      );
      const state = response.mutableStateInCache || response.mutableStateInDatabase;
      context.output.record({
        shardId: response.shardId,
        historyHost: response.historyAddr,
        mutableState: state === '' ? undefined : (JSON.parse(state) as unknown),
      });
    },
  });
  addRefreshTasks(workflow, (connection, request) =>
    connection.admin.refreshWorkflowTasks(RefreshWorkflowTasksRequest.fromPartial(request)),
  );
  addRemoval(workflow);
}

function addShow(workflow: Command): void {
  addCommand(workflow, {
    name: 'show',
    summary: 'events of a run with their versions, as they are stored',
    flags: {
      ...RUN_FLAGS,
      minEventId: or(whole('min-event-id', 'from this event on'), 1),
      maxEventId: whole('max-event-id', 'up to this event'),
      outputFilename: text('output-filename of', 'write them to this file, as JSON', 'file'),
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const events: HistoryEvent[] = [];
      for await (const event of historyEvents(context, connection, runOf(flags), false)) {
        const id = Number(event.eventId);
        if (flags.maxEventId !== undefined && id > flags.maxEventId) break;
        if (id >= flags.minEventId) events.push(event);
      }
      if (flags.outputFilename !== undefined) {
        fs.writeFileSync(flags.outputFilename, `${historyJson(events)}\n`);
      }
      const startMs = events[0] ? eventTimeMs(events[0]) : 0;
      if (context.output.format === 'json') context.output.record(events.map(eventRecord));
      else {
        for (const event of events) {
          context.output.line(eventLine(event, startMs, { hasVersion: true, detailLength: 0 }), eventRecord(event));
        }
      }
    },
  });
}

function addRemoval(workflow: Command): void {
  addCommand(workflow, {
    name: 'delete',
    aliases: ['del'],
    summary: 'delete a run with its history and visibility record; for good, without archiving',
    flags: {
      ...RUN_FLAGS,
      skipErrors: on('skip-errors serr', 'accepted; the server deletes what there is'),
      remote: on('remote', 'accepted; the server always does it'),
      yes: on('yes y', 'do not ask'),
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      const question = `Delete ${flags.workflowId} ${flags.runId ?? '(the current run)'} of domain ${context.domain} for good?`;
      await confirm(question, { yes: flags.yes, inScripts: 'go-on' });
      const deleted = await connection.admin.deleteWorkflow(
        DeleteWorkflowRequest.fromPartial({ domain: context.domain, workflowExecution: runOf(flags) }),
      );
      context.output.done(`deleted ${flags.workflowId}`, { workflowId: flags.workflowId, ...deleted });
    },
  });
  addCommand(workflow, {
    name: 'fix_corruption',
    aliases: ['fc', 'fix-corruption'],
    summary: 'check a run, and delete it when it is corrupt',
    flags: {
      ...RUN_FLAGS,
      skipErrors: on('skip-errors serr', 'accepted; the server deletes what there is'),
      yes: on('yes y', 'do not ask'),
    },
    positional: ['workflowId', 'runId'],
    async run({ flags, context, connection }) {
      await confirm(`Delete ${flags.workflowId} if it is corrupt?`, { yes: flags.yes, inScripts: 'go-on' });
      const result = await connection.admin.maintainCorruptWorkflow(
        MaintainCorruptWorkflowRequest.fromPartial({ domain: context.domain, workflowExecution: runOf(flags) }),
      );
      const what = result.executionsDeleted || result.historyDeleted ? 'was corrupt and is deleted' : 'is sound';
      context.output.done(`${flags.workflowId} ${what}`, { workflowId: flags.workflowId, ...result });
    },
  });
}

export function addReplicationCommands(kafka: Command): void {
  addCommand(kafka, {
    name: 'rereplicate',
    aliases: ['rrp'],
    summary: 'fetch the history of a run from another region and apply it here',
    details: 'Named as in Cadence; there is no Kafka in it.',
    flags: {
      sourceCluster: required(text('source-cluster', 'the region that has it', 'name')),
      domainId: required(text('domain-id', 'id of the domain', 'id')),
      workflowId: RUN_FLAGS.workflowId,
      runId: required(RUN_FLAGS.runId),
      maxEventId: whole('max-event-id', 'up to this event'),
      endEventVersion: whole('end-event-version', 'version of the event after it'),
    },
    async run({ flags, context, connection }) {
      if ((flags.maxEventId === undefined) !== (flags.endEventVersion === undefined)) {
        throw usageError('give both --max-event-id and --end-event-version, or none');
      }
      await connection.admin.resendReplicationTasks(
        ResendReplicationTasksRequest.fromPartial({
          domainId: flags.domainId,
          workflowExecution: runOf(flags),
          remoteCluster: flags.sourceCluster,
          ...(flags.maxEventId === undefined
            ? {}
            : { endEvent: { eventId: BigInt(flags.maxEventId + 1), version: BigInt(flags.endEventVersion ?? 0) } }),
        }),
        { timeoutMs: Math.max(context.timeoutMs, 5 * 60_000) },
      );
      context.output.done(`replicated ${flags.workflowId} from ${flags.sourceCluster}`, {
        workflowId: flags.workflowId,
      });
    },
  });
}
