// admin async-wf-queue get and update: where a domain's asynchronous starts wait.
import { EncodingType } from '@antiphon/proto';
import {
  GetDomainAsyncWorkflowConfiguratonRequest,
  UpdateDomainAsyncWorkflowConfiguratonRequest,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { usageError } from '../../failure.ts';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { required, text } from '../../spec/flags.ts';

interface TypedConfiguration {
  Enabled?: boolean;
  PredefinedQueueName?: string;
  QueueType?: string;
  QueueConfig?: unknown;
}

const KEYS = ['enabled', 'predefinedQueueName', 'queueType', 'queueConfig'];

/** Keys as Cadence writes them, in any case of the first letter. */
function configurationOf(json: string): TypedConfiguration {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw usageError(`--json is not JSON: ${(cause as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usageError('--json must be an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const known = KEYS.find((each) => each.toLowerCase() === key.toLowerCase());
      if (known === undefined) throw usageError(`--json has the key "${key}"; there are ${KEYS.join(', ')}`);
      return [known.charAt(0).toUpperCase() + known.slice(1), item];
    }),
  );
}

export function addAsyncQueueCommands(queue: Command): void {
  addCommand(queue, {
    name: 'get',
    summary: 'the queue of a domain',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { configuration } = await connection.admin.getDomainAsyncWorkflowConfiguraton(
        GetDomainAsyncWorkflowConfiguratonRequest.fromPartial({ domain: context.domain }),
      );
      if (configuration) context.output.record(configuration);
      else context.output.done(`domain ${context.domain} has no queue of asynchronous starts`, null);
    },
  });
  addCommand(queue, {
    name: 'update',
    summary: 'set the queue of a domain',
    examples: [`-d shop admin async-wf-queue update --json '{"Enabled": true, "PredefinedQueueName": "starts"}'`],
    flags: { json: required(text('json', `object with ${KEYS.join(', ')}`, 'json')) },
    async run({ flags, context, connection }) {
      const typed = configurationOf(flags.json);
      await connection.admin.updateDomainAsyncWorkflowConfiguraton(
        UpdateDomainAsyncWorkflowConfiguratonRequest.fromPartial({
          domain: context.domain,
          configuration: {
            enabled: typed.Enabled ?? false,
            predefinedQueueName: typed.PredefinedQueueName ?? '',
            queueType: typed.QueueType ?? '',
            ...(typed.QueueConfig === undefined
              ? {}
              : {
                  queueConfig: {
                    encodingType: EncodingType.ENCODING_TYPE_JSON,
                    data: Buffer.from(JSON.stringify(typed.QueueConfig)),
                  },
                }),
          },
        }),
      );
      context.output.done(`updated the queue of domain ${context.domain}`, { domain: context.domain });
    },
  });
}
