// The `antiphon` command run in this process: quick enough to try every command. What it writes is caught instead of printed.
import { stripVTControlCharacters } from 'node:util';
import { runCli } from '../../src/cli/run.ts';
import type { CliResult } from './cli.ts';

export interface InProcessCli {
  /** Runs `antiphon …args`. */
  run(...args: string[]): Promise<CliResult>;
  /** Runs it, expects exit code 0 and gives stdout. */
  ok(...args: string[]): Promise<string>;
  /** As `ok` with `--output json`, parsed. */
  json<T = unknown>(...args: string[]): Promise<T>;
}

/** Runs are one after another: the streams are the process's. */
export function createInProcessCli(address: string): InProcessCli {
  let last: Promise<unknown> = Promise.resolve();
  const run = (...args: string[]): Promise<CliResult> => {
    const result = last.then(() => caught(['node', 'antiphon', '--address', address, ...args]));
    last = result.catch(() => undefined);
    return result;
  };
  const ok = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(...args);
    if (code !== 0) throw new Error(`antiphon ${args.join(' ')} ended with ${code}\n${stderr}${stdout}`);
    return stdout;
  };
  return { run, ok, json: async (...args) => JSON.parse(await ok('--output', 'json', ...args)) };
}

async function caught(argv: readonly string[]): Promise<CliResult> {
  const out = { stdout: '', stderr: '' };
  const originals = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = ((chunk: string | Uint8Array) => {
      out[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    }) as typeof process.stdout.write;
  }
  try {
    const code = await runCli(argv);
    return { code, stdout: stripVTControlCharacters(out.stdout), stderr: stripVTControlCharacters(out.stderr) };
  } finally {
    process.stdout.write = originals.stdout;
    process.stderr.write = originals.stderr;
  }
}
