// Questions to the person at the terminal. Without a terminal a script answers on stdin, or with a flag.
import readline from 'node:readline/promises';
import { CliError, EXIT } from '../failure.ts';

const isTerminal = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** The first line of stdin; undefined when there is none. */
async function typedLine(question: string): Promise<string | undefined> {
  const lines = readline.createInterface({ input: process.stdin, output: process.stderr, terminal: isTerminal() });
  try {
    process.stderr.write(question);
    const { value } = await lines[Symbol.asyncIterator]().next();
    return value as string | undefined;
  } finally {
    lines.close();
  }
}

/** A question that a script needs no answer to: without a terminal the answer is `fallback`. */
export async function asks(question: string, fallback: boolean): Promise<boolean> {
  if (!isTerminal()) return fallback;
  const line = (await typedLine(question))?.trim().toLowerCase();
  return line === undefined || line === '' ? fallback : line.startsWith('y');
}

export interface ConfirmOptions {
  /** --yes was given. */
  readonly yes: boolean;
  /**
   * What Cadence's CLI asks too needs an answer from scripts as well: `--yes`, or `yes` on stdin. What it does without asking is asked only in
   * a terminal, so that scripts go on as they are.
   */
  readonly inScripts: 'ask' | 'go-on';
}

/** Resolves when the person agrees. @throws CliError otherwise. */
export async function confirm(question: string, { yes, inScripts }: ConfirmOptions): Promise<void> {
  if (yes || (inScripts === 'go-on' && !isTerminal())) return;
  const line = await typedLine(`${question} [yes/No] `);
  if (/^y(es)?$/i.test(line?.trim() ?? '')) return;
  // The question's line is still open when nobody answered.
  if (line === undefined) process.stderr.write('\n');
  throw new CliError(line === undefined ? 'nobody answered, so nothing was done' : 'not done', {
    exitCode: EXIT.failed,
    hint: 'Answer yes, or give --yes.',
  });
}
