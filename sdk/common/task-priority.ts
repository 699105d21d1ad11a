// The place of a workflow's, child's or activity's tasks in their task list. It travels as header fields of Antiphon's; another Cadence service
// ignores them.

export interface TaskPriorityOptions {
  /** 1 is first, 5 last. Default: the parent's, else 3. */
  readonly priority?: 1 | 2 | 3 | 4 | 5;
  /** Tasks of one priority are given in turn to the keys, so that much work of one (a tenant) does not delay another's. */
  readonly fairnessKey?: string;
  /** A key of weight 2 has twice the share of one of weight 1. 0.001 to 1000, default 1. */
  readonly fairnessWeight?: number;
}

/** Header fields as texts; undefined: none. */
export function priorityHeader(options: TaskPriorityOptions): Readonly<Record<string, string>> | undefined {
  const { priority, fairnessKey, fairnessWeight } = options;
  if (priority === undefined && fairnessKey === undefined && fairnessWeight === undefined) return undefined;
  return {
    ...(priority !== undefined && { 'antiphon-priority': String(priority) }),
    ...(fairnessKey !== undefined && { 'antiphon-fairness-key': fairnessKey }),
    ...(fairnessWeight !== undefined && { 'antiphon-fairness-weight': String(fairnessWeight) }),
  };
}
