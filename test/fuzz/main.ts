// npm run fuzz: throws generated requests at a server and says what it did not take well.
//   --requests N   how many (20000)     --seed S        the run's choices (1)
//   --service X    of this service only, may be repeated
//   --outcomes     how often each RPC ended with each code; --messages: and with which words
//   --findings F   writes them to this file, with the requests that showed them
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { type FuzzResult, runFuzz } from './run-fuzz.ts';
import { loadMethods } from './schema.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    service: { type: 'string', multiple: true, default: [] },
    findings: { type: 'string' },
    outcomes: { type: 'boolean', default: false },
    messages: { type: 'boolean', default: false },
  },
});

const HISTORIES_PER_REQUEST = 0.01;
const methods = loadMethods(values.service);
const requests = Number(values.requests);
const result = await runFuzz({
  seed: values.seed,
  requests,
  methods,
  withMessages: values.messages,
  historiesMax: Math.ceil(requests * HISTORIES_PER_REQUEST),
  log: (text) => console.log(text),
});
report(result);
process.exit(result.findings.all().length === 0 ? 0 : 1);

function report({ findings, sent, secured, histories }: FuzzResult): void {
  if (values.outcomes || values.messages)
    for (const [key, count] of [...sent.outcomes].sort()) console.log(`${key}: ${count}`);
  for (const { rpc, what, count, examples } of findings.all()) {
    console.log(`FINDING ${rpc} (${count} times): ${what}`);
    for (const { index, kind, path } of examples) console.log(`  request ${index}, ${kind}, ${path}`);
  }
  if (values.findings !== undefined) fs.writeFileSync(values.findings, JSON.stringify(findings.all(), undefined, 2));
  const answered = new Set(
    [...sent.outcomes.keys()].filter((key) => / 0( OK)?$/.test(key)).map((key) => key.split(' ')[0]),
  );
  const never = methods.map(({ name }) => name).filter((name) => !answered.has(name));
  console.log(
    `${methods.length} RPCs, ${answered.size} of them answered OK at least once${never.length > 0 ? `; never: ${never.join(', ')}` : ''}`,
  );
  console.log(
    `${sent.requests} requests in ${sent.seconds.toFixed(0)} s and ${secured?.requests ?? 0} in ${(secured?.seconds ?? 0).toFixed(0)} s as a reader (seed ${values.seed}), ${histories} histories read; ` +
      `peak memory ${Math.round(sent.peakRssBytes / 2 ** 20)} MiB, longest pause ${Math.round(sent.longestPauseMs)} ms of CPU; ` +
      `${findings.all().length} findings`,
  );
}
