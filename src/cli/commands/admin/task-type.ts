// Kinds of task queues. Cadence's CLI takes their numbers, ours their names, too.
import { TaskType } from '@antiphon/proto/admin';
import { type Flag, text } from '../../spec/flags.ts';

export const TASK_TYPES = {
  transfer: TaskType.TASK_TYPE_TRANSFER,
  timer: TaskType.TASK_TYPE_TIMER,
  replication: TaskType.TASK_TYPE_REPLICATION,
} as const;
export type TaskTypeName = keyof typeof TASK_TYPES;

// As Cadence numbers them in its CLI; on the wire they are others.
const NUMBERS: Readonly<Record<string, TaskTypeName>> = { 2: 'transfer', 3: 'timer', 4: 'replication' };

export function taskTypeFlag(names: string): Flag<TaskTypeName | undefined> {
  return {
    ...text(names, 'transfer, timer or replication (2, 3, 4)', 'type'),
    choices: Object.keys(TASK_TYPES),
    parse(texts) {
      const typed = (texts.at(-1) ?? '').toLowerCase();
      const name = typed in TASK_TYPES ? (typed as TaskTypeName) : NUMBERS[typed];
      if (name === undefined) throw new Error('expected one of transfer, timer, replication.');
      return name;
    },
  } as Flag<TaskTypeName | undefined>;
}
