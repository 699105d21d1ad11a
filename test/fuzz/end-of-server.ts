// What a server leaves behind when it is told to stop: how it ended, and what it logged that nobody should have to read.
import type { Findings } from './findings.ts';
import { isKnownUnknown } from './judge.ts';
import type { Target } from './target.ts';

const STACK_CHARS_MAX = 600;

export async function endOf(target: Target, findings: Findings): Promise<void> {
  try {
    await target.stop();
  } catch (error) {
    findings.add(String(error), 'process');
  }
  const exit = target.exit();
  if (exit !== undefined && exit !== 'it ended with 0') findings.add(`the server did not end well: ${exit}`, 'process');
  for (const { msg, ...fields } of target.errors) {
    const error = fields.error as { message?: string; stack?: string } | undefined;
    if (isKnownUnknown(error?.message ?? '')) continue;
    const where = error?.stack?.slice(0, STACK_CHARS_MAX) ?? error?.message ?? '';
    findings.add(`logged an error: ${msg} ${String(fields.procedure ?? '')} ${where}`, 'log');
  }
}

/** Where two texts part. */
export function change(before: string, now: string): string {
  let at = 0;
  while (at < before.length && before[at] === now[at]) at++;
  const shown = (text: string): string => text.slice(Math.max(0, at - 100), at + 100);
  return `${shown(before)} → ${shown(now)}`;
}
