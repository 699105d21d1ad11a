// docs/reference/compatibility.md, made from the table of RPCs beside the service definitions.
import { COMPATIBILITY, operationName, SERVICE_DEFINITIONS } from '#rpc';

const testOf = ({ file, test }) =>
  file === 'diff'
    ? `[recorded scenario](../../test/diff/scenarios) \`${test}\``
    : `[${file}](../../test/${file}.test.ts): ${test}`;

const row = (service, method, entry) => {
  const name = operationName(SERVICE_DEFINITIONS[service][method].path);
  const status = entry.status === 'served' ? 'yes' : 'refused, precisely';
  return `| \`${name}\` | ${status} | ${entry.differs || '–'} | ${testOf(entry)} |`;
};

const sections = Object.entries(COMPATIBILITY).map(([service, rows]) => {
  const [first] = Object.values(SERVICE_DEFINITIONS[service]);
  const title = first.path.slice(1, first.path.lastIndexOf('/'));
  const lines = Object.entries(rows).map(([method, entry]) => row(service, method, entry));
  return `## ${title}\n\n| RPC | served | differs from Cadence 1.4.0 | test |\n|---|---|---|---|\n${lines.join('\n')}`;
});

const entries = Object.values(COMPATIBILITY).flatMap((rows) => Object.values(rows));
const refusedCount = entries.filter(({ status }) => status === 'refused').length;

export const compatibilityPage = () => `# Compatibility

Every RPC of Cadence's gRPC API, and the test that would notice its loss. Made from \`src/rpc/compatibility.ts\` by \`npm run docs\`; the build fails for an RPC
without a row, and \`test/unit/rpc/compatibility.test.ts\` for a row without its test.

${entries.length} RPCs: ${entries.length - refusedCount} served, ${refusedCount} refused with the reason in their row. Answers to the same calls are also compared with a
reference server, scenario by scenario: [differences](../internals/differences.md).

${sections.join('\n\n')}
`;
