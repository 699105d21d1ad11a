// Plays scenarios against one server, many at a time: most of a scenario is waiting.
import { createPlayer, ScenarioStopped } from './player.ts';
import type { Scenario } from './scenario.ts';
import { createSymbols } from './symbols.ts';
import { createRecorder, type Transcript } from './transcript.ts';
import type { Wire, WireClient } from './wire.ts';

export interface PlayOptions {
  readonly concurrency: number;
  /** Ids of the shared domains, from `prepare`. */
  readonly domains: ReadonlyMap<string, string>;
  readonly onDone?: (transcript: Transcript) => void;
}

/** Domains that all scenarios may use. Those with other names than the first have limits or settings of their own (dynamic config). */
const DOMAINS = ['diff', 'diff-eventual', 'diff-limits'] as const;
const RETENTION_SECONDS = 86_400n;
const SETUP_MS = 60_000;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));

/** Registers the shared domains and waits until the server serves them. Answers their ids. */
export async function prepare(wire: Wire): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const untilMs = Date.now() + SETUP_MS;
  for (const name of DOMAINS) {
    for (;;) {
      const { error } = await wire.domain.registerDomain({
        name,
        workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS, nanos: 0 },
      });
      if (error === undefined || error.details[0]?.type === 'DomainAlreadyExistsError') break;
      if (Date.now() > untilMs) throw new Error(`cannot register ${name}: ${error.code} ${error.message}`);
      await pause();
    }
    // The reference's caches learn of a domain a little later.
    while ((await wire.workflow.getTaskListsByDomain({ domain: name })).error !== undefined) {
      if (Date.now() > untilMs) throw new Error(`${name} is not served`);
      await pause();
    }
    const { answer } = await wire.domain.describeDomain({ describeBy: { $case: 'name', value: name } });
    ids.set(answer?.domain?.id ?? '', name);
  }
  return ids;
}

export async function playAll(
  client: WireClient,
  scenarios: readonly Scenario[],
  options: PlayOptions,
): Promise<ReadonlyMap<string, Transcript>> {
  const transcripts = new Map<string, Transcript>();
  const playQueue = async (queue: Scenario[], concurrency: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const transcript = await playOne(client.services, next, options.domains);
          transcripts.set(next.name, transcript);
          options.onDone?.(transcript);
        }
      }),
    );
  };
  await playQueue(
    scenarios.filter(({ isAlone }) => !isAlone),
    options.concurrency,
  );
  await playQueue(
    scenarios.filter(({ isAlone }) => isAlone),
    1,
  );
  return transcripts;
}

export async function playOne(
  wire: Wire,
  scenario: Scenario,
  domains: ReadonlyMap<string, string>,
): Promise<Transcript> {
  // As long as any other, so that lengths in errors are equal; letters and digits, so that a domain may start with it.
  const prefix = `q${Math.random().toString(36).slice(2, 10).padEnd(8, '0')}q-`;
  const symbols = createSymbols(prefix);
  for (const [id, name] of domains) symbols.name(id, `domain ${name}`);
  const recorder = createRecorder(symbols);
  const player = createPlayer({ wire, domain: scenario.domain, prefix, symbols, recorder });
  try {
    await scenario.play(player);
    return { scenario: scenario.name, steps: recorder.steps };
  } catch (error) {
    if (!(error instanceof ScenarioStopped)) throw error;
    return { scenario: scenario.name, steps: recorder.steps, stopped: String(symbols.of(error.message)) };
  }
}
