// admin isolation-groups: which zones take tasks, for all domains or for one.
import { type IsolationGroupConfiguration, IsolationGroupState } from '@antiphon/proto';
import {
  GetDomainIsolationGroupsRequest,
  GetGlobalIsolationGroupsRequest,
  UpdateDomainIsolationGroupsRequest,
  UpdateGlobalIsolationGroupsRequest,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { usageError } from '../../failure.ts';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { list, on, text, type ValuesOf } from '../../spec/flags.ts';
import { enumName } from '../../ui/enum-name.ts';

const UPDATE_FLAGS = {
  setDrains: list('set-drains', 'drain these groups and heal all others', 'zone-1,zone-2'),
  removeAllDrains: on('remove-all-drains', 'drain none'),
  json: text('json', 'all of it: [{"Name": "zone-1", "State": 2}], where 1 is healthy and 2 drained', 'json'),
};

function print(context: CliContext, configuration: IsolationGroupConfiguration | undefined): void {
  const rows = (configuration?.isolationGroups ?? []).map(({ name, state }) => ({
    group: name,
    state: enumName(IsolationGroupState, state, 'ISOLATION_GROUP_STATE_'),
  }));
  context.output.rows(['group', 'state'], rows, 'No group is drained.');
}

function fromJson(json: string): IsolationGroupConfiguration {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw usageError(`--json is not JSON: ${(cause as Error).message}`);
  }
  if (!Array.isArray(value)) throw usageError('--json must be a list');
  return {
    isolationGroups: (value as Readonly<Record<string, unknown>>[]).map((each) => {
      const name = each.Name ?? each.name;
      const state = each.State ?? each.state;
      if (typeof name !== 'string' || (state !== 1 && state !== 2)) {
        throw usageError(`--json: expected {"Name": "zone-1", "State": 1 or 2}, and got ${JSON.stringify(each)}`);
      }
      return { name, state };
    }),
  };
}

function configurationOf({
  setDrains,
  removeAllDrains,
  json,
}: ValuesOf<typeof UPDATE_FLAGS>): IsolationGroupConfiguration {
  const given = [setDrains.length > 0, removeAllDrains, json !== undefined].filter(Boolean).length;
  if (given !== 1) throw usageError('give one of --set-drains, --remove-all-drains and --json');
  if (json !== undefined) return fromJson(json);
  const state = IsolationGroupState.ISOLATION_GROUP_STATE_DRAINED;
  return { isolationGroups: setDrains.map((name) => ({ name, state })) };
}

export function addIsolationGroupCommands(group: Command): void {
  addCommand(group, {
    name: 'get-global',
    summary: 'groups of the whole cluster',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const request = GetGlobalIsolationGroupsRequest.fromPartial({});
      print(context, (await connection.admin.getGlobalIsolationGroups(request)).isolationGroups);
    },
  });
  addCommand(group, {
    name: 'update-global',
    summary: 'set them, all at once',
    examples: ['admin isolation-groups update-global --set-drains zone-1'],
    flags: UPDATE_FLAGS,
    async run({ flags, context, connection }) {
      const isolationGroups = configurationOf(flags);
      await connection.admin.updateGlobalIsolationGroups(
        UpdateGlobalIsolationGroupsRequest.fromPartial({ isolationGroups }),
      );
      context.output.done('updated the isolation groups of the cluster', isolationGroups);
    },
  });
  addCommand(group, {
    name: 'get-domain',
    summary: 'groups of the domain',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const request = GetDomainIsolationGroupsRequest.fromPartial({ domain: context.domain });
      print(context, (await connection.admin.getDomainIsolationGroups(request)).isolationGroups);
    },
  });
  addCommand(group, {
    name: 'update-domain',
    summary: 'set them, all at once',
    examples: ['-d shop admin isolation-groups update-domain --remove-all-drains'],
    flags: UPDATE_FLAGS,
    async run({ flags, context, connection }) {
      if (context.givenDomain === undefined) throw usageError('say which domain: --domain');
      const isolationGroups = configurationOf(flags);
      await connection.admin.updateDomainIsolationGroups(
        UpdateDomainIsolationGroupsRequest.fromPartial({ domain: context.domain, isolationGroups }),
      );
      context.output.done(`updated the isolation groups of domain ${context.domain}`, isolationGroups);
    },
  });
}
