// The list of scenarios: each a small program of calls against one server. Files of scenarios register theirs when they are loaded.
import type { Player } from './player.ts';

export interface Scenario {
  /** `group/behaviour`: names the recorded answers too. */
  readonly name: string;
  readonly group: string;
  /** Not before the others are done: it looks at, or changes, what they share. */
  readonly isAlone: boolean;
  /** One of the shared domains. */
  readonly domain: string;
  readonly play: (player: Player) => Promise<void>;
}

const scenarios = new Map<string, Scenario>();

/** Registers the scenarios of one group, by the behaviour each shows. */
export function scenariosOf(
  group: string,
  plays: Readonly<Record<string, (player: Player) => Promise<void>>>,
  { isAlone = false, domain = 'diff' } = {},
): void {
  for (const [behaviour, play] of Object.entries(plays)) {
    const name = `${group}/${behaviour}`;
    if (scenarios.has(name)) throw new Error(`two scenarios are named ${name}`);
    scenarios.set(name, { name, group, isAlone, domain, play });
  }
}

export const allScenarios = (): readonly Scenario[] => [...scenarios.values()];
