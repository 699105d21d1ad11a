// A small file that is read again when it changes. What cannot be used is reported once and leaves the last good value in use.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Env, TimerHandle } from '#env';

export interface WatchedFile<T> {
  current(): T;
  close(): void;
}

export const FILE_POLL_MS = 10_000;

/** @throws what reading or `parse` throws, with the file's name, when the first content cannot be used. */
export function watchFile<T>(
  file: string,
  parse: (content: Buffer) => T,
  env: Env,
  options: { readonly onChange: () => void; readonly pollMs?: number },
): WatchedFile<T> {
  let content: Buffer;
  let value: T;
  try {
    content = readFileSync(file);
    value = parse(content);
  } catch (cause) {
    throw new Error(`${file} cannot be used: ${(cause as Error).message}`, { cause });
  }
  let timer: TimerHandle;
  let isClosed = false;
  let lastFault = '';
  const poll = async (): Promise<void> => {
    try {
      const next = await readFile(file);
      if (!next.equals(content)) {
        value = parse(next);
        content = next;
        env.logger.info('a changed file is in use', { file });
        options.onChange();
      }
      lastFault = '';
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== lastFault) env.logger.error('a changed file cannot be used, the old one stays', { file, reason });
      lastFault = reason;
    }
  };
  const schedule = (): void => {
    timer = env.scheduler.after(options.pollMs ?? FILE_POLL_MS, () => {
      void poll().then(() => {
        if (!isClosed) schedule();
      });
    });
  };
  schedule();
  return {
    current: () => value,
    close: () => {
      isClosed = true;
      timer.cancel();
    },
  };
}
