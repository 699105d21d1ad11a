// Child processes that end with this one, whichever way it ends: at its end, by an error that nobody handles, or by a signal. A run that fails must
// not leave hosts and workers behind, which would go on against a store that is gone.
import type { ChildProcess } from 'node:child_process';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const owned = new Set<ChildProcess>();

/** Not gently: whoever wants that ends them before. Takes effect on stopped ones, too. */
function killOwned(): void {
  for (const child of owned) child.kill('SIGKILL');
}

export function own<C extends ChildProcess>(child: C): C {
  if (owned.size === 0 && !process.listeners('exit').includes(killOwned)) process.on('exit', killOwned);
  owned.add(child);
  child.once('exit', () => owned.delete(child));
  return child;
}

/** From now on the first of these signals kills what is owned and rejects; the caller then stops the rest and ends. */
export function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of SIGNALS) {
      // Again and again: a terminal sends it to this process and to the one that forwards it.
      process.on(signal, () => {
        killOwned();
        reject(new Error(`stopped by ${signal}`));
      });
    }
  });
  // It counts for whoever waits for it.
  interrupted.catch(() => {});
  return interrupted;
}
