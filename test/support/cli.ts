// The `antiphon` command as a person runs it: a process with its streams and its exit code. It is bundled from source first, so that a test never
// runs an old build.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(import.meta.dirname, '../..');

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Cli {
  /** Its program, for node. */
  readonly entry: string;
  run(...args: string[]): Promise<CliResult>;
  runWith(options: CliOptions, ...args: string[]): Promise<CliResult>;
  remove(): void;
}

/** @param environment of every run, as ANTIPHON_ADDRESS. */
export async function bundleCli(environment: Readonly<Record<string, string>>): Promise<Cli> {
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync(path.join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  fs.mkdirSync(path.join(root, '.cache'), { recursive: true });
  // Inside the repository, so that node finds the packages.
  const folder = fs.mkdtempSync(path.join(root, '.cache/cli-'));
  await build({
    entryPoints: [path.join(root, 'src/cli/main.ts')],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    conditions: ['antiphon-src'],
    external: [...Object.keys({ ...dependencies, ...devDependencies })].filter(
      (name) => !name.startsWith('@antiphon/'),
    ),
    logLevel: 'warning',
    absWorkingDir: root,
  });
  const runWith = (options: CliOptions, ...args: string[]): Promise<CliResult> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [path.join(folder, 'main.js'), ...args], {
        env: { PATH: process.env.PATH, USER: 'tester', NO_COLOR: '1', ...environment, ...options.environment },
      });
      const out = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', (chunk) => {
          out[stream] += chunk;
        });
      }
      child.stdin.on('error', () => {}); // a command that reads no input has closed it already
      child.stdin.end(options.stdin ?? '');
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, ...out }));
    });
  return {
    entry: path.join(folder, 'main.js'),
    run: (...args) => runWith({}, ...args),
    runWith,
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
