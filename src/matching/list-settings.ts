// What dynamic config says of a task list. The properties are kept; a lookup is a few field reads unless somebody has constrained a key.
import {
  type DynamicConfig,
  ENABLES_ISOLATION,
  ISOLATION_DURATION,
  ISOLATION_POLLER_WINDOW,
  MATCHING_LONG_POLL,
  READ_PARTITIONS,
  TASK_LIST_RPS,
  WRITE_PARTITIONS,
} from '#dynamicconfig';
import type { ListSettingsLookup } from './options.ts';

export function createListSettings(config: DynamicConfig): ListSettingsLookup {
  const pollWait = config.property(MATCHING_LONG_POLL);
  const readPartitions = config.property(READ_PARTITIONS);
  const writePartitions = config.property(WRITE_PARTITIONS);
  const tasksPerSecond = config.property(TASK_LIST_RPS);
  const isIsolated = config.property(ENABLES_ISOLATION);
  const isolationMs = config.property(ISOLATION_DURATION);
  const isolationPollerWindowMs = config.property(ISOLATION_POLLER_WINDOW);
  return ({ domainName, taskListName, taskType }) => {
    const known = { domainName, taskListName, taskType };
    return {
      pollWaitMs: pollWait.of(known),
      readPartitions: readPartitions.of(known),
      writePartitions: writePartitions.of(known),
      tasksPerSecond: tasksPerSecond.of(known) || undefined,
      isIsolated: isIsolated.ofDomain(domainName),
      isolationMs: isolationMs.of(known),
      isolationPollerWindowMs: isolationPollerWindowMs.of(known),
    };
  };
}
