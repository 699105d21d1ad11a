// How the story is told: numbered steps, the commands a reader could type, and checks that end it with the reason when one fails.
import pc from 'picocolors';
import { antiphon } from './processes.ts';

export class StoryFailed extends Error {}

export interface Narrator {
  step(title: string): void;
  tell(text: string): void;
  /** Runs `antiphon …`, shows the command and, unless quiet, its output; returns stdout. @throws StoryFailed */
  run(args: readonly string[], options?: { quiet?: boolean; lastLines?: number }): Promise<string>;
  /** Asks until the answer is there. @throws StoryFailed naming what was waited for */
  until<T>(what: string, ask: () => Promise<T | undefined>, timeoutMs?: number): Promise<T>;
  check(claim: string, holds: boolean, detail?: string): void;
  readonly checks: number;
}

export function createNarrator(write: (text: string) => void): Narrator {
  let stepNumber = 0;
  let checks = 0;
  const started = performance.now();
  const clock = (): string => pc.dim(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`);
  const indent = (text: string): string =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `           ${line}`)
      .join('\n');
  return {
    step: (title) => write(`\n${clock()}  ${pc.bold(`${++stepNumber}. ${title}`)}\n`),
    tell: (text) => write(`${indent(text)}\n`),
    async run(args, { quiet = false, lastLines } = {}) {
      const shown = args.map((arg) => (/^[\w./:=@-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
      write(`${indent(`${pc.cyan('$')} antiphon ${shown}`)}\n`);
      const { code, stdout, stderr } = await antiphon(args);
      if (code !== 0) throw new StoryFailed(`antiphon ${shown} ended with ${code}:\n${stderr || stdout}`);
      if (!quiet) {
        const lines = stdout.trimEnd().split('\n');
        const visible =
          lastLines === undefined || lines.length <= lastLines ? lines : ['…', ...lines.slice(-lastLines)];
        write(`${indent(visible.join('\n'))}\n`);
      }
      return stdout;
    },
    async until(what, ask, timeoutMs = 60_000) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        if (performance.now() > deadline) throw new StoryFailed(`waited ${timeoutMs / 1000} s for this: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    },
    check(claim, holds, detail = '') {
      if (!holds) throw new StoryFailed(`${claim}: it does not hold. ${detail}`);
      checks++;
      write(`${indent(`${pc.green('✓')} ${claim}`)}\n`);
    },
    get checks() {
      return checks;
    },
  };
}
