// admin config get, update, restore, list, listall: limits and quotas of a running server. Values and filters are taken in Cadence's JSON form, and
// in a shorter one: `--value 500 --filter domainName=shop` changes the value of that one case and leaves the others.
import { EncodingType } from '@antiphon/proto';
import {
  type DynamicConfigEntry,
  type DynamicConfigFilter,
  type DynamicConfigValue,
  GetDynamicConfigRequest,
  ListDynamicConfigRequest,
  RestoreDynamicConfigRequest,
  UpdateDynamicConfigRequest,
} from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { KEYS, rawValue } from '#dynamicconfig';
import { usageError } from '../failure.ts';
import { addCommand, addGroup, PRINT_FLAGS } from '../spec/command.ts';
import { many, required, text } from '../spec/flags.ts';

const FLAGS = {
  name: required(text('name dynamic_config_name', 'name of the key', 'key')),
  filters: many(
    'filter dynamic_config_filter',
    'where the value holds: domainName=shop, or Cadence’s {"domainName":"shop"}',
    'filter',
  ),
};

export function addAdminConfigCommands(program: Command): void {
  const admin = addGroup(program, { name: 'admin', aliases: ['adm'], summary: 'for those who operate the server' });
  const config = addGroup(admin, {
    name: 'config',
    aliases: ['c'],
    summary: 'limits and quotas, changed while the server runs',
  });
  addGet(config);
  addUpdate(config);
  addRestore(config);
  addLists(config);
}

function addGet(config: Command): void {
  addCommand(config, {
    name: 'get',
    aliases: ['g'],
    summary: 'the value that holds, by default or as set',
    examples: ['admin config get frontend.domainrps --filter domainName=shop'],
    flags: { ...FLAGS, ...PRINT_FLAGS },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const { value } = await connection.admin.getDynamicConfig(
        GetDynamicConfigRequest.fromPartial({ configName: flags.name, filters: filtersOf(flags.filters) }),
      );
      const found = jsonOf(value);
      context.output.line(typeof found === 'object' ? JSON.stringify(found) : String(found), found);
    },
  });
}

function addUpdate(config: Command): void {
  addCommand(config, {
    name: 'update',
    aliases: ['u'],
    summary: 'set a value; it holds at once, and after a restart',
    details:
      'A plain value is set for the case of --filter, other cases stay. Values in Cadence’s form, ' +
      '{"Value":…,"Filters":[{"Name":…,"Value":…}]}, replace all there are.',
    examples: [
      'admin config update frontend.domainrps --value 500 --filter domainName=shop',
      `admin config update --name frontend.domainrps --value '{"Value":500,"Filters":[]}'`,
    ],
    flags: {
      ...FLAGS,
      values: required(many('value dynamic_config_value', 'a value, as 500, true or 30s; or Cadence’s form', 'value')),
    },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const given = flags.values.map(parseJson);
      const isCadences = given.every(isCadenceValue);
      if (isCadences && flags.filters.length > 0) throw usageError('--filter is part of a value in Cadence’s form');
      if (!isCadences && given.length > 1) throw usageError('give one plain --value, with its --filter');
      const configValues = isCadences
        ? given.map(messageOf)
        : await withCase(
            async () => (await connection.admin.listDynamicConfig({ configName: flags.name })).entries,
            flags.name,
            { value: blobOf(given[0]), filters: filtersOf(flags.filters) },
          );
      await connection.admin.updateDynamicConfig(
        UpdateDynamicConfigRequest.fromPartial({ configName: flags.name, configValues }),
      );
      context.output.done(`set ${flags.name}`, { name: flags.name, values: configValues.map(plainValue) });
    },
  });
}

function addRestore(config: Command): void {
  addCommand(config, {
    name: 'restore',
    aliases: ['r'],
    summary: 'take back what update has set; the file’s value or the default holds again',
    details: 'Without --filter the value for everywhere goes, with it those whose filters hold there.',
    examples: ['admin config restore frontend.domainrps --filter domainName=shop'],
    flags: FLAGS,
    positional: ['name'],
    async run({ flags, context, connection }) {
      await connection.admin.restoreDynamicConfig(
        RestoreDynamicConfigRequest.fromPartial({ configName: flags.name, filters: filtersOf(flags.filters) }),
      );
      context.output.done(`restored ${flags.name}`, { name: flags.name });
    },
  });
}

function addLists(config: Command): void {
  addCommand(config, {
    name: 'list',
    aliases: ['l'],
    summary: 'what update has set',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { entries } = await connection.admin.listDynamicConfig(ListDynamicConfigRequest.create());
      const rows = entries.flatMap(({ name, values }) => values.map((value) => ({ name, ...plainValue(value) })));
      context.output.rows(
        ['name', 'value', 'filters'],
        rows,
        'Nothing is set: the file’s values and the defaults hold.',
      );
    },
  });
  addCommand(config, {
    name: 'listall',
    aliases: ['la'],
    summary: 'every key that has an effect, with its default',
    flags: PRINT_FLAGS,
    async run({ context }) {
      const rows = [...KEYS]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((key) => ({
          name: key.name,
          default: rawValue(key.kind, key.default),
          filters: key.constraints.join(','),
          description: key.description,
        }));
      context.output.rows(['name', 'default', 'filters', 'description'], rows, '');
    },
  });
}

interface CadenceValue {
  readonly Value: unknown;
  readonly Filters?: readonly { readonly Name?: unknown; readonly Value?: unknown }[];
}

const isCadenceValue = (value: unknown): value is CadenceValue =>
  typeof value === 'object' && value !== null && 'Value' in value;

/** What is no JSON is a text: 30s, enabled. */
function parseJson(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    // A brace that does not parse was meant as JSON.
    if (/^\s*[{[]/.test(typed)) throw usageError(`not JSON: ${typed.slice(0, 80)}`);
    return typed;
  }
}

function messageOf(given: unknown): DynamicConfigValue {
  const { Value, Filters = [] } = given as CadenceValue; // `isCadenceValue` was asked.
  if (!Array.isArray(Filters)) throw usageError('"Filters" must be a list, as [{"Name":"domainName","Value":"shop"}]');
  const filters = Filters.map((filter: { Name?: unknown; Value?: unknown }) => {
    if (typeof filter?.Name !== 'string') throw usageError('each filter needs a "Name" and a "Value"');
    return { name: filter.Name, value: blobOf(filter.Value) };
  });
  return { value: blobOf(Value), filters };
}

function filtersOf(typed: readonly string[]): DynamicConfigFilter[] {
  return typed.flatMap((filter) => {
    const separator = filter.indexOf('=');
    const fields = filter.trim().startsWith('{')
      ? parseJson(filter)
      : separator > 0
        ? { [filter.slice(0, separator)]: constraintValue(filter.slice(0, separator), filter.slice(separator + 1)) }
        : undefined;
    if (typeof fields !== 'object' || fields === null) {
      throw usageError(`--filter "${filter}": expected domainName=shop or {"domainName":"shop"}`);
    }
    return Object.entries(fields).map(([name, value]) => ({ name, value: blobOf(value) }));
  });
}

/** Numbers only where a constraint is one: a domain may be called 7. */
const constraintValue = (name: string, typed: string): unknown =>
  (name === 'shardID' || name === 'taskType') && /^\d+$/.test(typed) ? Number(typed) : typed;

/** The stored values of the key, with the one of the same case replaced. */
async function withCase(
  load: () => Promise<readonly DynamicConfigEntry[]>,
  name: string,
  added: DynamicConfigValue,
): Promise<DynamicConfigValue[]> {
  const entries = await load();
  const known = entries.find((entry) => entry.name === name)?.values ?? [];
  const caseOf = ({ filters }: DynamicConfigValue): string =>
    JSON.stringify(filters.map((filter) => [filter.name, jsonOf(filter.value)]).sort());
  return [...known.filter((value) => caseOf(value) !== caseOf(added)), added];
}

const plainValue = ({ value, filters }: DynamicConfigValue): { value: unknown; filters: string } => ({
  value: jsonOf(value),
  filters: filters.map((filter) => `${filter.name}=${jsonOf(filter.value)}`).join(', '),
});

const blobOf = (value: unknown) => ({
  encodingType: EncodingType.ENCODING_TYPE_JSON,
  data: new TextEncoder().encode(JSON.stringify(value)),
});

const jsonOf = (blob: { readonly data: Uint8Array } | undefined): unknown =>
  blob === undefined ? undefined : JSON.parse(new TextDecoder().decode(blob.data));
