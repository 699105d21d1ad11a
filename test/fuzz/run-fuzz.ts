// One run: a server on a fresh store, the requests, what must hold afterwards, and again after a restart on the same store. Then a smaller part
// against a server with authentication, as a reader of one domain who sends what he likes.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openApi } from '../bench/api.ts';
import { checkHistories, playOne } from './aftermath.ts';
import { change, endOf } from './end-of-server.ts';
import { Findings } from './findings.ts';
import { SECRET } from './judge.ts';
import { Pool } from './pool.ts';
import { FUZZED_DOMAINS, prepareDomains, readDomain, SANCTUARY } from './prepare.ts';
import { fuzzSecured } from './run-secured.ts';
import type { Method } from './schema.ts';
import { type Sent, sendRequests } from './send-requests.ts';
import { startTarget } from './target.ts';

export interface FuzzOptions {
  readonly seed: string;
  readonly requests: number;
  readonly methods: readonly Method[];
  readonly historiesMax: number;
  readonly withMessages?: boolean;
  readonly log: (text: string) => void;
}

export interface FuzzResult {
  readonly findings: Findings;
  readonly sent: Sent;
  /** With authentication, as a reader of one domain. */
  readonly secured: Sent | undefined;
  readonly histories: number;
}

/** More than this is a leak or a message that was held many times over: the largest are 32 MB, forty at once. */
const RSS_BYTES_MAX = 1.5 * 2 ** 30;
const PAUSE_MS_MAX = 1500;
const PROGRESS_EVERY = 10;
/** Of the requests. */
const SECURED_SHARE = 0.1;

export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'antiphon-fuzz-'));
  const findings = new Findings(options.log);
  try {
    const secured = Math.floor(options.requests * SECURED_SHARE);
    const open = await fuzzOpen(
      { ...options, requests: options.requests - secured },
      path.join(folder, 'fuzz.db'),
      findings,
    );
    const limited = { ...options, requests: secured };
    return {
      ...open,
      findings,
      secured: secured === 0 ? undefined : await fuzzSecured(limited, path.join(folder, 'secured.db'), findings),
    };
  } finally {
    if (findings.all().length === 0) fs.rmSync(folder, { recursive: true, force: true });
    else options.log(`the server's log and store are left in ${folder}`);
  }
}

async function fuzzOpen(
  options: FuzzOptions,
  file: string,
  findings: Findings,
): Promise<Omit<FuzzResult, 'secured' | 'findings'>> {
  const { seed, requests, methods, log } = options;
  const pool = new Pool(FUZZED_DOMAINS);
  let target = await startTarget({ file });
  let api = openApi(target.address);
  await prepareDomains(api, pool);
  const before = await readDomain(api, SANCTUARY, SECRET);
  let beats = 0;
  const sent = await sendRequests(target, pool, findings, {
    seed,
    requests,
    methods,
    headers: {},
    withMessages: options.withMessages ?? false,
    onProgress: (count, { rssBytes, longestPauseMs }) => {
      if (++beats % PROGRESS_EVERY === 0)
        log(`${count} sent, ${Math.round(rssBytes / 2 ** 20)} MiB, longest pause ${Math.round(longestPauseMs)} ms`);
    },
  });
  if (sent.peakRssBytes > RSS_BYTES_MAX)
    findings.add(`${Math.round(sent.peakRssBytes / 2 ** 20)} MiB of memory`, 'process');
  if (sent.longestPauseMs > PAUSE_MS_MAX)
    findings.add(`held the event loop for ${Math.round(sent.longestPauseMs)} ms`, 'process');
  let histories = 0;
  const inspect = async (when: string): Promise<void> => {
    const now = await readDomain(api, SANCTUARY, SECRET);
    if (now !== before)
      findings.add(`${when}: the domain that was never named changed: ${change(before, now)}`, 'tenants');
    for (const domain of FUZZED_DOMAINS) {
      const fault = await playOne(api, domain);
      if (fault !== undefined) findings.add(`${when}: ${fault}`, 'process');
    }
  };
  if (target.exit() === undefined) {
    await inspect('afterwards');
    for (const domain of FUZZED_DOMAINS) histories += await checkHistories(api, domain, options.historiesMax, findings);
    api.close();
    await endOf(target, findings);
  }
  target = await startTarget({ file });
  api = openApi(target.address);
  await inspect('after a restart');
  api.close();
  await endOf(target, findings);
  return { sent, histories };
}
