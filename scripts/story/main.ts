// npm start: two regions in two processes, a worker in each, and an order that outlives the region it began in. Each step is checked; with --once the
// process ends with 0 when all held, otherwise it stays up for the reader.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { createNarrator, type Narrator, StoryFailed } from './narrator.ts';
import { antiphon, createRegionProcess, killAll, portFrom, type RegionProcess, startWorker } from './processes.ts';

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, data: { type: 'string', default: '.cache/demo' } },
});

const DOMAIN = 'payments';
const TASK_LIST = 'orders';
const ORDER = 'order-1001';
const RETENTION_SECONDS = 8;

interface EventRecord {
  readonly eventId: number;
  readonly eventType: string;
  readonly version: number;
}

const events = (stdout: string): EventRecord[] => JSON.parse(stdout) as EventRecord[];

const at = (region: RegionProcess): string[] => ['--address', region.address, '--domain', DOMAIN];

/** The history as JSON text, or undefined when the region does not have the run (yet). */
async function historyText(region: RegionProcess, runId?: string): Promise<string | undefined> {
  const { code, stdout } = await antiphon([
    'workflow',
    'show',
    ORDER,
    ...(runId ? [runId] : []),
    ...at(region),
    '-o',
    'json',
  ]);
  return code === 0 ? stdout : undefined;
}

async function status(region: RegionProcess): Promise<string | undefined> {
  const { code, stdout } = await antiphon(['workflow', 'query', ORDER, 'status', ...at(region), '-o', 'json']);
  return code === 0 ? (JSON.parse(stdout) as { result: string }).result : undefined;
}

async function startRegions(story: Narrator): Promise<[RegionProcess, RegionProcess]> {
  const portA = await portFrom(7833);
  const portB = await portFrom(portA + 1);
  const metricsA = await portFrom(9464);
  const metricsB = await portFrom(metricsA + 1);
  const plans = [
    { name: 'region-a', port: portA, metricsPort: metricsA },
    { name: 'region-b', port: portB, metricsPort: metricsB },
  ];
  const folder = path.resolve(values.data);
  fs.rmSync(folder, { recursive: true, force: true });
  const regions = plans.map((plan) => createRegionProcess(plan, plans, folder)) as [RegionProcess, RegionProcess];
  await Promise.all(regions.map((region) => region.start()));
  for (const { name, address, folder: data } of regions)
    story.tell(`${name} serves gRPC on ${address}, its data is in ${path.relative('.', data)}`);
  return regions;
}

async function registerDomain(story: Narrator, a: RegionProcess, b: RegionProcess): Promise<void> {
  await story.run([
    'domain',
    'register',
    DOMAIN,
    '--clusters',
    'region-a,region-b',
    '--retention',
    `${RETENTION_SECONDS}s`,
    '--archive',
    '--address',
    a.address,
  ]);
  await story.until('the domain is replicated to region-b', async () => {
    const { code } = await antiphon(['domain', 'describe', DOMAIN, '--address', b.address]);
    return code === 0 ? true : undefined;
  });
  story.check('region-b heard of the domain', true);
}

async function runOrder(story: Narrator, a: RegionProcess): Promise<string> {
  const order = { orderId: '1001', amount: 42, stepMs: 700, carrierFailures: 4, deliverySeconds: 2 };
  const started = await story.run([
    'workflow',
    'start',
    '--type',
    'orderWorkflow',
    '--task-list',
    TASK_LIST,
    '-w',
    ORDER,
    '-i',
    JSON.stringify(order),
    ...at(a),
    '-o',
    'json',
  ]);
  const { runId } = JSON.parse(started) as { runId: string };
  await story.until('the payment is charged', async () =>
    (await status(a)) === 'waiting for approval' ? true : undefined,
  );
  await story.run(['workflow', 'query', ORDER, 'status', ...at(a)]);
  await story.run(['workflow', 'signal', ORDER, 'approve', '-i', '"kim"', ...at(a)]);
  await story.until('the order is being shipped', async () => ((await status(a)) === 'shipping' ? true : undefined));
  story.tell('The carrier refuses the parcel four times before it takes it: the activity is retried.');
  return runId;
}

async function failOver(story: Narrator, a: RegionProcess, b: RegionProcess): Promise<EventRecord[]> {
  const inA = events((await historyText(a)) ?? '[]');
  await story.until('region-b has the same events', async () =>
    events((await historyText(b)) ?? '[]').length >= inA.length ? true : undefined,
  );
  await a.kill('SIGKILL');
  story.tell(pc.red('region-a was killed with SIGKILL, in the middle of the shipment.'));
  const { code } = await antiphon(['workflow', 'describe', ORDER, ...at(a)]);
  story.check('region-a answers no more', code !== 0);
  await story.run(['failover', DOMAIN, '--to', 'region-b', '--address', b.address]);
  return inA;
}

async function complete(story: Narrator, b: RegionProcess, before: readonly EventRecord[]): Promise<EventRecord[]> {
  await story.run(['workflow', 'show', ORDER, '--follow', ...at(b)], { lastLines: 14 });
  const after = events((await historyText(b)) ?? '[]');
  const kept = before.every(
    (event, index) => after[index]?.eventType === event.eventType && after[index]?.version === event.version,
  );
  story.check(`all ${before.length} events that region-a wrote are kept`, kept);
  story.check(
    'the order completed in region-b',
    after.at(-1)?.eventType === 'WorkflowExecutionCompleted',
    after.at(-1)?.eventType,
  );
  const versions = [...new Set(after.map(({ version }) => version))];
  story.check(`its history names both regions: versions ${versions.join(' and ')}`, versions.length === 2);
  const charges = after.filter(({ eventType }) => eventType === 'ActivityTaskCompleted').length;
  story.check('payment, shipment and receipt each ended once', charges === 3, `${charges} activities ended`);
  return after;
}

async function comeBack(story: Narrator, a: RegionProcess, b: RegionProcess, runId: string): Promise<void> {
  await a.start();
  story.tell('region-a is up again, on the data it had.');
  const inB = await historyText(b, runId);
  const inA = await story.until('region-a has what it missed', async () => {
    const text = await historyText(a, runId);
    return text === inB ? text : undefined;
  });
  story.check('both regions have the same history, event for event', inA === inB);
}

async function archive(story: Narrator, b: RegionProcess, runId: string): Promise<void> {
  const archived = await story.until('the history is archived', async () => {
    const { code, stdout } = await antiphon(['archive', 'list', ...at(b), '-o', 'json']);
    return code === 0 && stdout.includes(runId) ? stdout : undefined;
  });
  story.check('the closed history is in the archive', archived.includes(runId));
  await story.run([
    'archive',
    'verify',
    DOMAIN,
    '--uri',
    path.relative('.', path.join(b.folder, '../archive')),
    '--cluster',
    'region-b',
  ]);
  story.tell(
    `Retention is ${RETENTION_SECONDS} s here, so that you can see what comes after it: the region deletes the run.`,
  );
  await story.until('retention deleted the run', async () => {
    const { code } = await antiphon(['workflow', 'describe', ORDER, runId, ...at(b)]);
    return code === 3 ? true : undefined;
  });
  const shown = await story.run(['workflow', 'show', ORDER, runId, ...at(b)], { lastLines: 4 });
  story.check('it is read back from the archive', shown.includes('WorkflowExecutionCompleted'));
}

async function tell(story: Narrator): Promise<readonly RegionProcess[]> {
  story.step('Two regions start');
  const [a, b] = await startRegions(story);
  story.step('A domain that lives in both, active in region-a');
  await registerDomain(story, a, b);
  for (const region of [a, b]) startWorker(region.address, DOMAIN, TASK_LIST);
  story.tell('A worker in each region runs examples/order/workflows.ts.');
  story.step('An order runs in region-a: payment, then a wait for approval');
  const runId = await runOrder(story, a);
  story.step('Region-a dies; the domain fails over to region-b');
  const before = await failOver(story, a, b);
  story.step('The same workflow goes on in region-b');
  await complete(story, b, before);
  story.step('Region-a returns and converges');
  await comeBack(story, a, b, runId);
  story.step('The history is archived, verified, and read back after retention deleted it');
  await archive(story, b, runId);
  return [a, b];
}

async function main(): Promise<number> {
  const story = createNarrator((text) => process.stdout.write(text));
  process.once('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  try {
    const [a, b] = await tell(story);
    process.stdout.write(`\n${pc.bold(pc.green(`The story held: ${story.checks} checks.`))}\n`);
    if (values.once) return 0;
    process.stdout.write(`
Both regions stay up. Try, in another terminal:
  npx antiphon domain describe ${DOMAIN} --address ${b?.address}
  npx antiphon workflow start --type orderWorkflow --task-list ${TASK_LIST} -w my-order \\
    -i '{"orderId": "7", "amount": 9}' --address ${b?.address} -d ${DOMAIN}
  npx antiphon workflow signal my-order approve -i '"you"' --address ${b?.address} -d ${DOMAIN}
  npx antiphon workflow show my-order --follow --address ${a?.address} -d ${DOMAIN}
  npx antiphon failover ${DOMAIN} --to region-a --address ${a?.address}
  npx antiphon --help
Ctrl-C ends it.
`);
    await new Promise(() => setInterval(() => undefined, 60_000));
    return 0;
  } catch (error) {
    const text = error instanceof StoryFailed ? error.message : (error as Error).stack;
    process.stdout.write(`\n${pc.red('The story broke:')} ${text}\n`);
    return 1;
  }
}

process.exit(await main());
