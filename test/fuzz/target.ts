// The fuzzer's side of the server process: starts it on a folder, asks how it fares, reads its log, ends it.
import { type ChildProcess, fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import type { Health } from './server-main.ts';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Target {
  readonly address: string;
  readonly httpAddress: string;
  /** Lines of level error and fatal, and what is no line of the log. */
  readonly errors: readonly LogLine[];
  /** undefined while it runs. */
  exit(): string | undefined;
  health(): Promise<Health>;
  /** @throws when it does not end by itself. */
  stop(): Promise<void>;
}

const STOP_MS = 30_000;

export async function startTarget(options: { readonly file: string; readonly publicKey?: string }): Promise<Target> {
  const child = fork(path.join(import.meta.dirname, 'server-main.ts'), {
    execArgv: ['--conditions=antiphon-src', '--import', 'tsx', '--enable-source-maps'],
    env: { ...process.env, FUZZ_DATA: options.file, FUZZ_KEY: options.publicKey ?? '' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  const errors: LogLine[] = [];
  const log = fs.createWriteStream(`${options.file}.log`, { flags: 'a' });
  readline.createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    log.write(`${line}\n`);
    const parsed = parseLine(line);
    if (parsed.level === 'error' || parsed.level === 'fatal') errors.push(parsed);
  });
  let exit: string | undefined;
  child.on('exit', (code, signal) => {
    exit = `it ended with ${signal ?? code}`;
  });
  const { address, httpAddress } = await messageOf(child, 'address');
  return {
    address: String(address),
    httpAddress: String(httpAddress),
    errors,
    exit: () => exit,
    async health() {
      child.send('health');
      return (await messageOf(child, 'health')).health as Health;
    },
    async stop() {
      if (exit !== undefined) return;
      const ended = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), STOP_MS);
        child.once('exit', () => {
          clearTimeout(timer);
          resolve(true);
        });
      });
      child.send('stop');
      if (!(await ended)) {
        child.kill('SIGKILL');
        throw new Error(`the server did not stop within ${STOP_MS} ms`);
      }
    },
  };
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 'error', msg: line }; // Whatever is no line of the log is a defect's own words.
  }
}

/** The next message that has this member. */
function messageOf(child: ChildProcess, member: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !(member in message)) return;
      child.off('message', listen);
      child.off('exit', fail);
      resolve(message as Record<string, unknown>);
    };
    const fail = (code: number | null): void => reject(new Error(`the server ended (${code})`));
    child.on('message', listen);
    child.once('exit', fail);
  });
}
