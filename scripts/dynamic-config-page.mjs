// docs/operate/dynamic-config.md, made from the declarations of the keys.
import { INEFFECTIVE_KEYS, KEYS, rawValue, UNLIMITED } from '#dynamicconfig';

const sections = [
  [
    'Quotas',
    (name) => /rps$|^frontend\.(visibilityListMaxQPS|maxWorkerPollDelay)$|RPS$|rateLimiter|TaskListRps/i.test(name),
  ],
  ['Limits', (name) => /^limit\.|^antiphon\.limit\.|searchAttributes|maximum|decisionResultCount/i.test(name)],
  ['Services', () => true],
];

const shown = (key) => {
  const value = rawValue(key.kind, key.default);
  return value === UNLIMITED ? 'no limit' : `\`${JSON.stringify(value)}\``;
};

const row = (key) => {
  const cadence =
    key.cadenceDefault === undefined
      ? ''
      : ` Cadence: ${key.cadenceDefault === String(UNLIMITED) ? 'no limit' : key.cadenceDefault}.`;
  const choices = key.choices === undefined ? '' : ` One of ${key.choices.map((each) => `\`${each}\``).join(', ')}.`;
  const where = key.constraints.join(', ');
  return `| \`${key.name}\`${key.isOperational ? ' ○' : ''} | ${key.kind} | ${shown(key)} | ${where} | ${key.description}${choices}${cadence} |`;
};

function tables() {
  const left = new Set([...KEYS].sort((a, b) => (a.name < b.name ? -1 : 1)));
  return sections
    .map(([title, isIn]) => {
      const keys = [...left].filter((key) => isIn(key.name));
      for (const key of keys) left.delete(key);
      return `### ${title}\n\n| key | type | default | constraints | what it is |\n|---|---|---|---|---|\n${keys.map(row).join('\n')}`;
    })
    .join('\n\n');
}

function ineffective() {
  const groups = new Map();
  for (const name of [...INEFFECTIVE_KEYS.keys()].sort()) {
    const group = name.slice(0, name.indexOf('.'));
    groups.set(group, [...(groups.get(group) ?? []), `\`${name.slice(group.length + 1)}\``]);
  }
  return [...groups].map(([group, names]) => `**${group}**: ${names.join(', ')}`).join('\n\n');
}

export const dynamicConfigPage = () => `# Dynamic config

Limits, quotas and switches that change while the server runs. Made from \`src/dynamicconfig/keys\` by \`npm run docs\`. Names and forms are Cadence's: the
dynamic config file of a Cadence cluster can be used as it is.

## Where values come from

The first of these that has a value for the case at hand counts:

1. values with constraints that hold, set through the admin API (\`antiphon admin config update\`), in their order
2. values with constraints that hold, of the file, in their order
3. the value without constraints set through the admin API
4. the value without constraints of the file (of several the last)
5. the static configuration, where it has such a field: \`frontend.domainRps\`, \`domains.*\` ([config.md](config.md))
6. the default in the tables below

The **file** is the YAML file that \`dynamicConfig.file\` (\`ANTIPHON_DYNAMIC_CONFIG_FILE\`) names. It is looked at every ten seconds (\`dynamicConfig.pollMs\`):

\`\`\`yaml
frontend.domainrps:
  - value: 2000
  - value: 100
    constraints: { domainName: batch }
matching.longPollExpirationInterval:
  - value: 30s
    constraints: { domainName: shop, taskListName: orders, taskType: 1 }   # 0 decision, 1 activity
\`\`\`

A server does not start with a faulty file. While it runs, a faulty edit changes nothing: the last good values stay, and the log has the file, the line and the
fault. An unknown key is a fault; the message names the nearest one.

Values of the **admin API** are kept in the store, hold at once on the host that took them and within the poll interval on others, and survive restarts:

\`\`\`sh
antiphon admin config update frontend.domainrps --value 100 --filter domainName=batch
antiphon admin config get frontend.domainrps --filter domainName=batch
antiphon admin config list
antiphon admin config restore frontend.domainrps --filter domainName=batch
\`\`\`

Cadence's CLI does the same (\`cadence admin config …\`). \`GetDynamicConfig\` answers with the value that holds, from wherever it comes; Cadence answers with an error when
none is set. A wrong value or name is a BadRequest that says what is wrong; Cadence answers UNKNOWN. The \`…OperationalDynamicConfig\` RPCs do the same for the keys marked
○, and are refused for others.

Types: \`int\`, \`float\`, \`bool\`, \`string\`, \`duration\` (Go's text: \`250ms\`, \`1m30s\`), \`map\`, \`list\`. Every key may also be constrained by \`clusterName\`.

## Keys

${tables()}

## Keys of Cadence without effect

Taken in files and by the admin API, checked for their type, and answered with one warning in the log: what they tune does not exist here, or tunes itself.

${ineffective()}
`;
