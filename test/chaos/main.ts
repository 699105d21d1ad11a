// npm run chaos: kills real processes under load and lets the checkers judge what is left.
import { parseArgs } from 'node:util';
import { type ChaosResult, killHosts } from './hosts.ts';
import { killRegions } from './regions.ts';

const HELP = `npm run chaos -- hosts   [--kills 100] [--clients 8]    one host, killed again and again
npm run chaos -- regions [--rounds 50] [--clients 6]    a region killed, failed over, returned
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '50' },
    clients: { type: 'string' },
    help: { type: 'boolean' },
  },
});

function report(name: string, result: ChaosResult): void {
  for (const { checker, workflowId, story } of result.violations.slice(0, 50))
    console.log(`VIOLATION ${checker} ${workflowId}\n  ${story}`);
  console.log(
    `${name}: ${result.kills} kills; ${result.acknowledged} acknowledged, ${result.unknown} unknown, ${result.refused} refused calls; ` +
      `${result.runs} runs, ${result.events} events; ${result.violations.length} violations`,
  );
  if (result.violations.length > 0) process.exitCode = 1;
}

const log = (text: string): void => console.log(text);
const mode = positionals[0];
if (mode === 'hosts') {
  report('hosts', await killHosts({ kills: Number(values.kills), clients: Number(values.clients ?? 8), log }));
} else if (mode === 'regions') {
  report('regions', await killRegions({ rounds: Number(values.rounds), clients: Number(values.clients ?? 6), log }));
} else {
  console.log(HELP);
  process.exitCode = values.help ? 0 : 2;
}
