// Sends the requests of a seed, some at once, judges every answer and remembers what later ones can use.
import type { Findings } from './findings.ts';
import { isWaiting, type Planned, plan, weightedMethods } from './generate.ts';
import { harvest } from './harvest.ts';
import { openHttpTransport } from './http-transport.ts';
import { judgeGrpc, judgeHttp } from './judge.ts';
import type { Pool } from './pool.ts';
import type { Method } from './schema.ts';
import type { Health } from './server-main.ts';
import type { Target } from './target.ts';
import { openTransport } from './transport.ts';

export interface SendOptions {
  readonly seed: string;
  readonly requests: number;
  readonly methods: readonly Method[];
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Tells outcomes apart by the first words of their messages too. */
  readonly withMessages?: boolean;
  readonly onProgress: (sent: number, health: Health) => void;
}

export interface Sent {
  readonly requests: number;
  readonly seconds: number;
  /** `<RPC> <code>` → count. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly peakRssBytes: number;
  readonly longestPauseMs: number;
}

const CONCURRENT = 40;
/** Calls that wait for something beside those: long polls take no CPU. */
const WAITING = 200;
const HTTP_PATIENCE_MS = 40_000;
const HEALTH_EVERY_MS = 1000;

class Lane {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  constructor(size: number) {
    this.#free = size;
  }
  async enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

export async function sendRequests(
  target: Target,
  pool: Pool,
  findings: Findings,
  options: SendOptions,
): Promise<Sent> {
  const { seed, requests, headers, onProgress } = options;
  const methods = weightedMethods(options.methods);
  const grpc = openTransport(target.address);
  const http = openHttpTransport(target.httpAddress, headers);
  const outcomes = new Map<string, number>();
  const count = (key: string): void => void outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
  const inFlight = new Set<Planned>();
  const send = async (planned: Planned): Promise<void> => {
    const { method, about } = planned;
    if (planned.grpc !== undefined) {
      const answer = await grpc.call({ ...planned.grpc, headers: { ...planned.grpc.headers, ...headers } });
      if (target.exit() !== undefined) return;
      const words = options.withMessages ? ` ${answer.message.slice(0, 70)}` : '';
      count(`${method.name} ${answer.code ?? 'none'}${words}`);
      const fault = judgeGrpc(planned, answer);
      if (fault !== undefined) findings.add(fault, method.name, planned);
      else if (answer.code === 0) harvest(pool, method, about, method.decodeReply(answer.reply));
    } else if (planned.http !== undefined) {
      const answer = await http.call(planned.http, HTTP_PATIENCE_MS);
      if (target.exit() !== undefined) return;
      count(`HTTP ${answer.status}`);
      const fault = judgeHttp(planned, answer);
      if (fault !== undefined) findings.add(fault, `HTTP ${planned.http.method} ${method.name}`, planned);
    }
  };
  let peakRssBytes = 0;
  let longestPauseMs = 0;
  let sent = 0;
  const watch = async (): Promise<void> => {
    if (target.exit() !== undefined) return;
    const health = await target.health();
    peakRssBytes = Math.max(peakRssBytes, health.rssBytes);
    longestPauseMs = health.longestPauseMs;
    onProgress(sent, health);
  };
  const watcher = setInterval(() => void watch(), HEALTH_EVERY_MS);
  const startedMs = performance.now();
  const lanes = { quick: new Lane(CONCURRENT), waiting: new Lane(WAITING) };
  const running = new Set<Promise<void>>();
  for (; sent < requests && target.exit() === undefined; sent++) {
    const planned = plan(seed, sent, pool, methods);
    const lane = isWaiting(planned.method) ? lanes.waiting : lanes.quick;
    await lane.enter();
    inFlight.add(planned);
    const done = send(planned).finally(() => {
      inFlight.delete(planned);
      running.delete(done);
      lane.leave();
    });
    running.add(done);
  }
  const left = target.exit();
  if (left !== undefined) for (const planned of inFlight) findings.add(`the server died: ${left}`, 'process', planned);
  await Promise.all(running);
  clearInterval(watcher);
  await watch();
  grpc.close();
  http.close();
  return { requests: sent, seconds: (performance.now() - startedMs) / 1000, outcomes, peakRssBytes, longestPauseMs };
}
