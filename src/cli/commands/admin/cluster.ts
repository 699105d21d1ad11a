// admin cluster describe and add-search-attr.
import { IndexedValueType } from '@antiphon/proto';
import { AddSearchAttributeRequest, DescribeClusterRequest } from '@antiphon/proto/admin';
import type { Command } from 'commander';
import { addCommand, PRINT_FLAGS } from '../../spec/command.ts';
import { type Flag, on, required, text } from '../../spec/flags.ts';
import { confirm } from '../../ui/prompt.ts';

// In the order of Cadence's numbers, from 0.
const VALUE_TYPES = ['string', 'keyword', 'int', 'double', 'bool', 'datetime'] as const;
type ValueType = (typeof VALUE_TYPES)[number];

const WIRE_TYPES: Readonly<Record<ValueType, IndexedValueType>> = {
  string: IndexedValueType.INDEXED_VALUE_TYPE_STRING,
  keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  double: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
  bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
};

const valueTypeFlag: Flag<ValueType | undefined> = {
  ...text(
    'search-attr-type type',
    `its type: ${VALUE_TYPES.map((type, index) => `${index} ${type}`).join(', ')}`,
    'type',
  ),
  choices: VALUE_TYPES,
  parse(texts) {
    const typed = (texts.at(-1) ?? '').toLowerCase();
    const found = VALUE_TYPES.find((type, index) => type === typed || String(index) === typed);
    if (found === undefined) throw new Error(`expected one of ${VALUE_TYPES.join(', ')}.`);
    return found;
  },
} as Flag<ValueType | undefined>;

const HOST_COLUMNS = ['host', 'services', 'shards', 'open', 'pinned', 'state', 'started', 'version', 'frontend'];

export function addAdminClusterCommands(cluster: Command): void {
  addCommand(cluster, {
    name: 'describe',
    aliases: ['d', 'desc'],
    summary: 'rings, stores and supported clients',
    flags: {},
    async run({ context, connection }) {
      context.output.record(await connection.admin.describeCluster(DescribeClusterRequest.fromPartial({})));
    },
  });
  addCommand(cluster, {
    name: 'hosts',
    aliases: ['members'],
    summary: 'hosts of the region: services, shards, since when',
    details: 'A shard that is owned but not open is being handed over, or its host cannot acquire it.',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { hosts, shardCount } = await connection.hosts.listHosts({});
      const rows = hosts.map(({ startTime, shardIds, openShardIds, pinnedShardIds, isLeaving, ...host }) => ({
        host: host.id,
        services: host.services.join(','),
        shards: shardIds.length,
        open: openShardIds.length,
        pinned: pinnedShardIds.length,
        state: host.error === '' ? (isLeaving ? 'leaving' : 'serving') : host.error,
        started: startTime,
        version: host.version,
        frontend: host.frontendAddress,
      }));
      context.output.rows(HOST_COLUMNS, rows, 'No host.');
      context.output.note(`${hosts.length} hosts, ${shardCount} shards`);
    },
  });
  addCommand(cluster, {
    name: 'add-search-attr',
    aliases: ['asa'],
    summary: 'let queries use a new search attribute; asks',
    details: 'It cannot be taken back, and its type cannot be changed.',
    examples: ['admin cluster add-search-attr --search-attr-key OrderId --search-attr-type keyword --yes'],
    flags: {
      key: required(text('search-attr-key key', 'its name', 'name')),
      type: required(valueTypeFlag),
      securityToken: text('security-token st', 'where the server asks for one', 'token'),
      yes: on('yes y', 'do not ask'),
    },
    positional: ['key', 'type'],
    async run({ flags, context, connection }) {
      await confirm(`Add search attribute ${flags.key} of type ${flags.type}?`, { yes: flags.yes, inScripts: 'ask' });
      await connection.admin.addSearchAttribute(
        AddSearchAttributeRequest.fromPartial({
          searchAttribute: { [flags.key]: WIRE_TYPES[flags.type] },
          securityToken: flags.securityToken ?? '',
        }),
      );
      context.output.done(`added search attribute ${flags.key} of type ${flags.type}`, {
        key: flags.key,
        type: flags.type,
      });
    },
  });
}
