// What Cadence's CLI has and ours has not, reviewed, each with its reason.

const DATABASE =
  'Opens the database by itself and goes around the server. Ours keeps its own tables, which only the server may write.';

export const COMMANDS_LEFT_OUT: readonly { command: string; reason: string }[] = [
  {
    command: 'admin database',
    reason: `${DATABASE} \`antiphon schema\` and \`antiphon archive verify\` look at a store.`,
  },
  { command: 'admin elasticsearch', reason: 'Talks to an Elasticsearch cluster; our visibility has none.' },
  {
    command: 'admin kafka parse',
    reason: "Decodes Kafka messages of Cadence's old replication; ours sends no such messages.",
  },
  {
    command: 'admin shard setRangeID',
    reason: `${DATABASE} \`admin shard closeShard\` makes an owner acquire its shard again.`,
  },
  { command: 'admin shard timers', reason: `${DATABASE} \`admin queue describe\` shows the timer queue of a shard.` },
];

export const FLAGS_LEFT_OUT: readonly { command: string; flag: string; reason: string }[] = [
  { command: 'admin workflow show', flag: 'tree_id', reason: `${DATABASE} Ours takes the run: -w and -r.` },
  { command: 'admin workflow show', flag: 'branch_id', reason: `${DATABASE} Ours takes the run: -w and -r.` },
  { command: 'admin workflow show', flag: 'shard_id', reason: `${DATABASE} Ours takes the run: -w and -r.` },
];

// How to open a database: the same block of flags with each command that does.
const BLOCK = [
  ...['service_config_dir', 'service_env', 'service_zone', 'db_type', 'db_address', 'db_port', 'db_region', 'db_shard'],
  ...['username', 'password', 'keyspace', 'db_name', 'encoding_type', 'decoding_types', 'protocol_version', 'tls'],
  ...['tls_cert_path', 'tls_key_path', 'tls_ca_path', 'tls_enable_host_verification', 'conn_attrs', 'rps'],
];

/** Whether this is one of the flags that say how to open the database; `admin domain describe` also lists those of `update`, and reads none. */
export function isDatabaseFlag(command: string, flags: readonly string[], line: string): boolean {
  const name = line.split(' ')[1] ?? '';
  const opensDatabase = flags.some((each) => each.split(' ')[1] === 'db_type');
  if (command === 'admin domain describe') return true;
  return opensDatabase && BLOCK.includes(name);
}
