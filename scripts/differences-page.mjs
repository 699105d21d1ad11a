// docs/internals/differences.md, from the reviewed differences of the differential harness (test/diff/reviewed.json) and its recordings.
import fs from 'node:fs';
import path from 'node:path';

const RECORDED = 'test/diff/recorded';

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/** `*RespondX/*` reads as where the difference shows. */
const shown = (glob) => (glob === '*' ? 'everything' : `\`${glob.replace(/^\*\/?/, '').replace(/\/?\*$/, '')}\``);

function byReason(entries) {
  const groups = new Map();
  for (const entry of entries) groups.set(entry.reason, [...(groups.get(entry.reason) ?? []), entry]);
  return [...groups].sort(([a], [b]) => a.localeCompare(b));
}

export function differencesPage() {
  const groups = fs
    .readdirSync(RECORDED)
    .filter((file) => file.endsWith('.json'))
    .sort();
  const counts = groups.map((file) => [
    file.replace('.json', ''),
    Object.keys(readJson(path.join(RECORDED, file))).length,
  ]);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const rows = byReason(readJson('test/diff/reviewed.json')).map(([reason, entries]) => {
    const where = [...new Set(entries.map(({ scenario }) => (scenario === '*' ? 'any' : scenario)))].join('; ');
    const what = [...new Set(entries.map((entry) => shown(entry.path)))].join(', ');
    return `| ${where.replaceAll('|', '\\|')} | ${what} | ${reason} |`;
  });
  return `# Differences from Cadence

\`npm run diff:cadence\` plays ${total} scenarios against the reference server (Cadence 1.4.0, built from its Go module by
[scripts/reference-cadence](../../scripts/reference-cadence)) and against Antiphon, and compares what a client sees: answers field by field, error codes, details
and texts, every event of a history with its attributes, and the tasks that pollers get. Ids, times, tokens and sizes are replaced by symbols first
([symbols.ts](../../test/diff/symbols.ts)). A difference is a failure unless it is in [reviewed.json](../../test/diff/reviewed.json), with its reason; an entry
that no difference needs any more is a failure too. The reference's answers are kept in [test/diff/recorded](../../test/diff/recorded)
(\`npm run diff:cadence -- --record\` writes them), so that \`npm test -- diff\` needs no Go.

This page is made from those files by \`npm run docs\`.

## The reviewed differences

| scenario | where | why |
|---|---|---|
${rows.join('\n')}

## What is compared

| group | scenarios |
|---|---|
${counts.map(([group, count]) => `| ${group} | ${count} |`).join('\n')}

## What is not

- Advanced visibility: the reference needs Kafka and OpenSearch for it. Its query language is tested against its documentation.
- Two regions: the reference runs alone. Failover and replication have their own simulation and tests.
- Archives: off in the reference, as it comes.
- Schedules: newer than 1.4.0; the recordings show only that the reference does not know them.
- Bad binaries: the reference on SQLite accepts them and forgets them.
- What depends on load: backlog hints, rates, how many events a page has, which of two things at one moment comes first.
`;
}
