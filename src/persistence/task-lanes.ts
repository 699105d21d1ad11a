// Which tasks of a backlog are in a lane of their own: those with a priority or a fairness key. All others are in the plain backlog, whose
// order is their ids' and whose progress is one ack level.
import { DEFAULT_TASK_PRIORITY } from '#core';
import type { TaskLane } from './ports.ts';

export const isInLane = ({ priority, fairnessKey }: TaskLane): boolean =>
  fairnessKey !== '' || priority !== DEFAULT_TASK_PRIORITY.priority;
