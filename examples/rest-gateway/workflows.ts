// An order whose steps are done outside: by people, warehouses, other systems. Each step is completed by a signal, in any order and as often as it
// is sent; the workflow waits for days without holding anything.
import { condition, defineQuery, defineSignal, setHandler } from '@antiphon/sdk/workflow';

export interface Order {
  readonly item: string;
  readonly steps: readonly string[];
}

export interface Completion {
  readonly step: string;
  readonly by: string;
}

export interface Progress {
  readonly item: string;
  readonly done: Readonly<Record<string, string>>;
  readonly open: readonly string[];
}

export const completeStep = defineSignal<[Completion]>('completeStep');
export const progress = defineQuery<Progress>('progress');

export async function fulfilment({ item, steps }: Order): Promise<Progress> {
  const done = new Map<string, string>();
  const open = (): string[] => steps.filter((step) => !done.has(step));
  const current = (): Progress => ({ item, done: Object.fromEntries(done), open: open() });
  setHandler(progress, current);
  setHandler(completeStep, ({ step, by }) => {
    // A repeated signal changes nothing; an unknown step is nobody's.
    if (steps.includes(step) && !done.has(step)) done.set(step, by);
  });
  await condition(() => open().length === 0);
  return current();
}
