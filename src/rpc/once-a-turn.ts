// What is asked for many times within a turn of the event loop is done once, when it ends.
import type { Env } from '#env';

export function onceATurn({ scheduler }: Env, work: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    scheduler.after(0, () => {
      isAsked = false;
      work();
    });
  };
}
