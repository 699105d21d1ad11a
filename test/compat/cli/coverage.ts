// Which of Cadence's commands the suite tried. A command that nobody ran with success must be here, with the reason.
import fs from 'node:fs';
import path from 'node:path';

interface HelpTree {
  readonly commands: readonly { path: string }[];
}

const DATABASE = 'Opens the database by itself, goes around the server, and knows none of our tables.';

export const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  'admin database': DATABASE,
  'admin workflow show': DATABASE,
  'admin shard describe': DATABASE,
  'admin shard setRangeID': DATABASE,
  'admin shard timers': DATABASE,
  'admin domain register': DATABASE,
  'admin domain update': DATABASE,
  'admin domain delete': DATABASE,
  'admin domain deprecate': DATABASE,
  'admin domain describe': DATABASE,
  'admin domain getdomainidorname': DATABASE,
  'admin elasticsearch': 'Talks to an Elasticsearch cluster; our visibility has none.',
  'admin kafka parse': "Decodes a file of Kafka messages of Cadence's old replication; no server is asked.",
  'admin kafka rereplicate': 'Fetches from another region, of which this suite has none.',
  'admin cluster rebalance list': 'Fails in Cadence 1.4.0 with any server: "no such flag -workflow_id".',
  'domain migration': 'Crashes in Cadence 1.4.0 with any server: nil pointer in DomainMetaDataCheck.',
};

const tree = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'help.json'), 'utf8')) as HelpTree;
const paths = tree.commands.map((command) => command.path);

/** Commands that do something, as opposed to groups. */
export const leaves: readonly string[] = paths.filter((each) => !paths.some((other) => other.startsWith(`${each} `)));

/** The command that typed words begin with. */
export const leafOf = (typed: string): string | undefined =>
  leaves
    .filter((leaf) => `${typed} `.startsWith(`${leaf} `))
    .sort((a, b) => b.length - a.length)
    .at(0);

export const isNotApplicable = (leaf: string): boolean =>
  Object.keys(NOT_APPLICABLE).some((each) => `${leaf} `.startsWith(`${each} `));
