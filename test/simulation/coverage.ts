// What a run has met: faults that struck, calls by their answer, decisions taken, events written. A kind that a large run never meets is a
// checker that sleeps.

export const FAULT_KINDS = [
  'host-crash',
  'host-stop',
  'second-owner',
  'host-frozen',
  'host-forgotten',
  'host-cut',
  'host-cut-one-way',
  'host-joins',
  'host-link-cut',
  'host-message-lost',
  'host-answer-lost',
  'host-message-delayed',
  'store-fails-before',
  'store-timeout-applied',
  'store-timeout-lost',
  'store-slow',
  'store-read-fails',
  'message-lost',
  'answer-lost',
  'message-duplicated',
  'message-late-duplicate',
  'message-delayed',
  'region-message-lost',
  'region-answer-lost',
  'region-message-delayed',
  'region-partition-one-way',
  'region-partition',
  'region-lost',
  'replication-duplicated',
  'replication-reordered',
  'consumer-crash',
  'clock-skew',
  'clock-jump',
  'archive-put-fails',
  'archive-put-answer-lost',
  'archive-get-fails',
  'visibility-fails',
  'worker-silent',
  'failover-forced',
  'failover-graceful',
  'failover-partitioned',
  'failover-attribute',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export const COMMAND_KINDS = [
  'start',
  'start-delayed',
  'start-cron',
  'start-retried',
  'signal-with-start',
  'signal',
  'cancel',
  'terminate',
  'reset',
  'query',
  'query-strong',
  'describe',
  'list',
  'history',
  'refresh-tasks',
  'reset-sticky',
  'poll-decision',
  'poll-activity',
  'respond-decision',
  'fail-decision',
  'respond-query',
  'complete-activity',
  'complete-activity-by-id',
  'fail-activity',
  'cancel-activity',
  'heartbeat-activity',
  'failover',
] as const;

export type CommandKind = (typeof COMMAND_KINDS)[number];

export const DECISION_KINDS = [
  'scheduleActivity',
  'scheduleActivityWithRetry',
  'cancelActivity',
  'startTimer',
  'cancelTimer',
  'marker',
  'startChildAbandon',
  'startChildRequestCancel',
  'startChildTerminate',
  'signalExternal',
  'cancelExternal',
  'upsertSearchAttributes',
  'continueAsNew',
  'complete',
  'fail',
  'cancelWorkflow',
  'nothing',
] as const;

export type DecisionKind = (typeof DECISION_KINDS)[number];

const OF_HOSTS = /^host-(?!crash|stop)/;

export class Coverage {
  readonly faults = new Map<string, number>();
  readonly commands = new Map<string, Map<string, number>>();
  readonly decisions = new Map<string, number>();
  readonly events = new Map<string, number>();

  fault(kind: FaultKind): void {
    add(this.faults, kind);
  }

  command(kind: CommandKind, outcome: string): void {
    const cells = this.commands.get(kind) ?? new Map<string, number>();
    this.commands.set(kind, cells);
    add(cells, outcome);
  }

  decision(kind: DecisionKind): void {
    add(this.decisions, kind);
  }

  event(kind: string): void {
    add(this.events, kind);
  }

  addAll(other: Coverage): void {
    for (const [kind, count] of other.faults) add(this.faults, kind, count);
    for (const [kind, count] of other.decisions) add(this.decisions, kind, count);
    for (const [kind, count] of other.events) add(this.events, kind, count);
    for (const [kind, cells] of other.commands) {
      const mine = this.commands.get(kind) ?? new Map<string, number>();
      this.commands.set(kind, mine);
      for (const [outcome, count] of cells) add(mine, outcome, count);
    }
  }

  /** Kinds that were never met. `hosts`: of each region; undefined: drawn. */
  missing(regions: readonly number[], hosts?: number): string[] {
    const isOneRegion = !regions.includes(2);
    const isLeftOut = (kind: string): boolean =>
      hosts !== undefined && (hosts === 1 ? OF_HOSTS.test(kind) : kind === 'second-owner');
    const isCrossRegion = (kind: string): boolean => /region|replication|failover|consumer/.test(kind);
    const faults = FAULT_KINDS.filter(
      (kind) => !this.faults.has(kind) && !(isOneRegion && isCrossRegion(kind)) && !isLeftOut(kind),
    );
    const commands = COMMAND_KINDS.filter((kind) => !this.commands.has(kind) && !(isOneRegion && isCrossRegion(kind)));
    const decisions = DECISION_KINDS.filter((kind) => !this.decisions.has(kind));
    return [
      ...faults.map((kind) => `fault ${kind}`),
      ...commands.map((kind) => `command ${kind}`),
      ...decisions.map((kind) => `decision ${kind}`),
    ];
  }

  lines(): string[] {
    const lines = ['faults that struck:'];
    for (const kind of FAULT_KINDS) lines.push(`  ${kind.padEnd(26)} ${this.faults.get(kind) ?? 0}`);
    lines.push('commands by answer:');
    for (const kind of COMMAND_KINDS) {
      const cells = [...(this.commands.get(kind) ?? [])].sort((a, b) => b[1] - a[1]);
      lines.push(`  ${kind.padEnd(26)} ${cells.map(([outcome, count]) => `${outcome} ${count}`).join(', ') || 0}`);
    }
    lines.push('decisions:');
    for (const kind of DECISION_KINDS) lines.push(`  ${kind.padEnd(26)} ${this.decisions.get(kind) ?? 0}`);
    lines.push('events in the histories:');
    const events = [...this.events].sort((a, b) => b[1] - a[1]);
    for (const [kind, count] of events) lines.push(`  ${kind.padEnd(44)} ${count}`);
    return lines;
  }
}

function add(counts: Map<string, number>, kind: string, count = 1): void {
  counts.set(kind, (counts.get(kind) ?? 0) + count);
}
