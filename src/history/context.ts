// What the parts of the service share: the shards, the domain of a call, and running one command on one run.
import type { WorkflowExecutionStartedEventAttributes } from '@antiphon/proto';
import { alreadyCompleted, assert, EntityNotExistsError } from '#base';
import {
  type ClusterGroup,
  type Command,
  type CommandKind,
  type CommandReplies,
  type DecideContext,
  type DomainView,
  decide,
  domainOfRun,
  isActiveActive,
  needsStartedEvent,
  notActive,
  type Transition,
  type WorkflowState,
} from '#core';
import { createDynamicConfig, type DynamicConfig } from '#dynamicconfig';
import { uuidV7 } from '#env';
import type { HistoryClient, RunRef } from '#rpc';
import { searchAttributeRules } from '#visibility';
import type { HistoryDeps, HistoryOptions } from './deps.ts';
import { decodeEvents, readBatches } from './history-reader.ts';
import { branchOf, isZombie } from './run-state.ts';
import type { ShardActor } from './shard-actor.ts';
import type { Shards } from './shards.ts';
import type { RunEntry, Slot } from './workflow-cache.ts';

export interface CommandOutcome<K extends CommandKind> {
  readonly reply: CommandReplies[K];
  /** The run after the command. */
  readonly entry: RunEntry;
}

export interface CommandOptions<K extends CommandKind> {
  /** Throws if the run is not the one meant. */
  readonly check?: ((entry: RunEntry) => void) | undefined;
  /** Runs in the same turn as the command, before anything else can touch the run. */
  readonly inTurn?: ((outcome: CommandOutcome<K>, actor: ShardActor) => void) | undefined;
  /** For commands that write no event: the passive side takes them too. */
  readonly allowsPassive?: boolean | undefined;
  /** For what others hold for a run: true when the run needs it no more. Where the run is passive that is an answer, too, and final. */
  readonly isOver?: ((state: WorkflowState, command: Command<K>) => boolean) | undefined;
  /** Time of the command, where it must not be before a timer's. */
  readonly nowMs?: number | undefined;
}

export interface HistoryContext {
  readonly deps: HistoryDeps;
  readonly config: DynamicConfig;
  readonly options: HistoryOptions;
  readonly shards: Shards;
  /** The service itself, for calls between runs. */
  client(): HistoryClient;
  /** At once when the domain is cached. */
  domain(domainId: string): DomainView | Promise<DomainView>;
  /** DomainNotActive when none of it may be written here. In an active-active domain each run decides for itself: `activeOf`. */
  activeDomain(domainId: string): Promise<DomainView>;
  /** The domain as the run sees it. DomainNotActive when the run may not be written here. */
  activeOf(domain: DomainView, state: WorkflowState): DomainView;
  decideContext(
    actor: ShardActor,
    domain: DomainView,
    extra?: { nowMs?: number | undefined; startedEvent?: WorkflowExecutionStartedEventAttributes | undefined },
  ): DecideContext;
  /** Attributes of the run's Started event. For use inside `exclusive`. */
  loadStartedEvent(entry: RunEntry): Promise<WorkflowExecutionStartedEventAttributes>;
  /** Decides and applies, inside `exclusive`. */
  decideIn<K extends CommandKind>(
    actor: ShardActor,
    slot: Slot,
    entry: RunEntry,
    command: Command<K>,
    domain: DomainView,
    nowMs?: number,
  ): Promise<CommandReplies[K]> | CommandReplies[K];
  /** One command on one run (runId empty: the current one), durable when it resolves. */
  run<K extends CommandKind>(ref: RunRef, command: Command<K>, options?: CommandOptions<K>): Promise<CommandOutcome<K>>;
}

export function requireActive(domain: DomainView, { currentCluster }: ClusterGroup): DomainView {
  if (!domain.isActiveHere) throw notActive(domain, currentCluster);
  return domain;
}

export function createHistoryContext(
  deps: HistoryDeps,
  options: HistoryOptions,
  shards: Shards,
  client: () => HistoryClient,
): HistoryContext {
  const { env, clusters, domains } = deps;
  // Ids of runs and branches, which stores keep in order.
  const uuid = (): string => uuidV7(env);
  const random = (): number => env.random.next();
  const searchAttributes = deps.searchAttributes && searchAttributeRules(deps.searchAttributes);

  const decideContext: HistoryContext['decideContext'] = (actor, domain, extra) => ({
    nowMs: extra?.nowMs ?? env.clock.nowMs(),
    domain,
    clusters,
    limits: deps.limits(domain.name),
    searchAttributes,
    uuid,
    random,
    nextTaskId: () => actor.taskIds.next(),
    startedEvent: extra?.startedEvent,
  });

  const loadStartedEvent: HistoryContext['loadStartedEvent'] = async (entry) => {
    const branch = branchOf(entry.state);
    let first = entry.recent.find(branch.branchId, 1);
    if (first === undefined) {
      const page = await readBatches(deps.store.history, branch, { from: 1, to: 2 }, 1);
      first = decodeEvents(page.batches[0]?.blob ?? new Uint8Array(0))[0];
    }
    const attributes = first?.attributes;
    assert(attributes?.$case === 'workflowExecutionStartedEventAttributes', 'a history begins with Started', {
      'wf-run-id': entry.key.runId,
    });
    return attributes.value;
  };

  const decideNow = <K extends CommandKind>(
    actor: ShardActor,
    slot: Slot,
    entry: RunEntry,
    command: Command<K>,
    context: DecideContext,
  ): CommandReplies[K] => {
    actor.assertOpen();
    const transition: Transition<CommandReplies[K]> = decide(entry.state, command, context);
    actor.apply(slot, entry, transition);
    return transition.reply;
  };

  const decideIn: HistoryContext['decideIn'] = (actor, slot, entry, command, domain, nowMs) => {
    if (!needsStartedEvent(entry.state)) {
      return decideNow(actor, slot, entry, command, decideContext(actor, domain, { nowMs }));
    }
    return loadStartedEvent(entry).then((startedEvent) =>
      decideNow(actor, slot, entry, command, decideContext(actor, domain, { nowMs, startedEvent })),
    );
  };

  const activeDomain: HistoryContext['activeDomain'] = async (domainId) => {
    const domain = domains.peekById(domainId) ?? (await domains.byId(domainId));
    if (!isActiveActive(domain)) requireActive(domain, clusters);
    return domain;
  };

  const isActiveFor = (domain: DomainView, { info }: WorkflowState): boolean =>
    domainOfRun(domain, info.activeClusterSelectionPolicy).isActiveHere;

  const activeOf: HistoryContext['activeOf'] = (domain, { info }) =>
    requireActive(domainOfRun(domain, info.activeClusterSelectionPolicy), clusters);

  const run = async <K extends CommandKind>(
    ref: RunRef,
    command: Command<K>,
    { check, inTurn, isOver, nowMs, allowsPassive }: CommandOptions<K> = {},
  ): Promise<CommandOutcome<K>> => {
    const domain = await (allowsPassive ? domains.byId(ref.domainId) : activeDomain(ref.domainId));
    const actor = await shards.of(ref.workflowId);
    actor.requireRoom();
    const finish = (entry: RunEntry, reply: CommandReplies[K]): CommandOutcome<K> => {
      const outcome = { reply, entry };
      inTurn?.(outcome, actor);
      return outcome;
    };
    const onEntry = (slot: Slot, entry: RunEntry): CommandOutcome<K> | Promise<CommandOutcome<K>> => {
      // It does not count while another run of its workflow id does: to callers it is over.
      if (isZombie(entry.state)) throw alreadyCompleted();
      check?.(entry);
      if (isOver?.(entry.state, command) && !isActiveFor(domain, entry.state)) {
        throw new EntityNotExistsError('The run needs the task no more.');
      }
      const own = allowsPassive ? domain : activeOf(domain, entry.state);
      const reply = decideIn(actor, slot, entry, command, own, nowMs);
      return reply instanceof Promise ? reply.then((value) => finish(entry, value)) : finish(entry, reply);
    };
    return actor.exclusive(ref.domainId, ref.workflowId, (slot) => {
      const entry = actor.peekRun(slot, ref.runId);
      if (entry !== undefined) return onEntry(slot, entry);
      return actor.loadRun(slot, ref.runId).then((loaded) => onEntry(slot, loaded));
    });
  };

  return {
    deps,
    config: deps.config ?? createDynamicConfig({ env }),
    options,
    shards,
    client,
    domain: (domainId) => domains.peekById(domainId) ?? domains.byId(domainId),
    activeDomain,
    activeOf,
    decideContext,
    loadStartedEvent,
    decideIn,
    run,
  };
}
