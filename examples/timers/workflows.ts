// Durable time: a reminder every so often until the task is done or its time is up. The timers are kept by the service; no
// process has to live in between.
import { condition, type Duration, defineSignal, setHandler, sleep, workflowInfo } from '@antiphon/sdk/workflow';

export const done = defineSignal('done');

export interface Report {
  readonly isDone: boolean;
  readonly reminders: number;
  readonly seconds: number;
}

export async function remind(every: Duration, reminderCountMax: number): Promise<Report> {
  let isDone = false;
  let reminders = 0;
  setHandler(done, () => {
    isDone = true;
  });
  while (!isDone && reminders < reminderCountMax) {
    if (!(await condition(() => isDone, every))) reminders++;
  }
  // Date is the workflow's clock: the same on every replay.
  const seconds = Math.round((Date.now() - workflowInfo().startTime.getTime()) / 1000);
  return { isDone, reminders, seconds };
}

/** The faster of two timers wins; the other is forgotten. */
export async function race(): Promise<string> {
  return await Promise.race([sleep('1s').then(() => 'short'), sleep('1h').then(() => 'long')]);
}
