// cluster get-search-attr and health: what any caller may ask of a cluster.
import { GetClusterInfoRequest, GetSearchAttributesRequest, HealthRequest, IndexedValueType } from '@antiphon/proto';
import type { Command } from 'commander';
import { CliError, EXIT } from '../failure.ts';
import { addCommand, PRINT_FLAGS } from '../spec/command.ts';
import { enumName } from '../ui/enum-name.ts';

export function addClusterCommands(cluster: Command): void {
  addCommand(cluster, {
    name: 'get-search-attr',
    aliases: ['search-attributes'],
    summary: 'search attributes that queries may use, and their types',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { keys } = await connection.visibility.getSearchAttributes(GetSearchAttributesRequest.fromPartial({}));
      const rows = Object.entries(keys)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([key, type]) => ({ key, type: enumName(IndexedValueType, type, 'INDEXED_VALUE_TYPE_') }));
      context.output.rows(['key', 'type'], rows, 'No search attributes.');
    },
  });
  addCommand(cluster, {
    name: 'health',
    summary: 'whether the server takes calls; exits with 4 when it does not',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { ok, message } = await connection.meta.health(HealthRequest.fromPartial({}));
      if (!ok) throw new CliError(`${context.address} is not healthy: ${message}`, { exitCode: EXIT.unavailable });
      context.output.done(`${context.address} is healthy`, { ok, message });
    },
  });
  addCommand(cluster, {
    name: 'versions',
    summary: 'versions of client libraries that the server supports',
    flags: PRINT_FLAGS,
    async run({ context, connection }) {
      const { supportedClientVersions } = await connection.workflow.getClusterInfo(
        GetClusterInfoRequest.fromPartial({}),
      );
      context.output.record(supportedClientVersions);
    },
  });
}
