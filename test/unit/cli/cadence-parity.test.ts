// Every command, alias and flag of Cadence's CLI exists in ours under its name, or is on a reviewed list with the reason why not. help.json is the
// tree as Cadence's own binary has it: `node scripts/cadence-cli.mjs --help-tree` records it again.
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { isSwitch, normalized } from '../../../src/cli/spec/command-line.ts';
import { COMMANDS_LEFT_OUT, FLAGS_LEFT_OUT, isDatabaseFlag } from './left-out.ts';

interface Tree {
  readonly global: readonly string[];
  readonly commands: readonly { path: string; aliases?: readonly string[]; flags?: readonly string[] }[];
}

const file = path.join(import.meta.dirname, '../../compat/cli/help.json');
const tree = JSON.parse(fs.readFileSync(file, 'utf8')) as Tree;
const program = createProgram();

function commandAt(words: string): Command | undefined {
  let command: Command | undefined = program;
  for (const word of words.split(' ')) {
    command = command?.commands.find((each) => each.name() === word || each.aliases().includes(word));
  }
  return command;
}

const isLeaf = (at: string): boolean => !tree.commands.some((each) => each.path.startsWith(`${at} `));
const isFlagLeftOut = (at: string, line: string): boolean =>
  FLAGS_LEFT_OUT.some(({ command, flag }) => flag === line.split(' ')[1] && at.startsWith(command));
const isLeftOut = (at: string): boolean => COMMANDS_LEFT_OUT.some(({ command }) => `${at} `.startsWith(`${command} `));

/** The option that our parser takes a typed flag for; a complaint when there is none, or when it would read the next word wrongly. */
function understood(command: Command, words: string, kind: string, name: string): { long: string } | string {
  const typed = [...words.split(' '), `--${name}`, ...(kind === 'Bool' ? [] : ['1'])];
  const argv = normalized(program, ['node', 'antiphon', ...typed]).slice(2);
  const long = argv.find((word) => word.startsWith('--'));
  const option = [...command.options, ...program.options].find((each) => each.long === long);
  if (long === undefined || option === undefined) return 'not there';
  if (isSwitch(option) !== (kind === 'Bool')) return `${long} takes ${isSwitch(option) ? 'no' : 'a'} value`;
  return { long };
}

/** What is wrong with the names of one flag: each must be there, and all of them the same flag. */
function faultsOf(command: Command, words: string, line: string): readonly string[] {
  const [kind = '', ...names] = line.split(' ');
  const found = names.map((name) => ({ name, how: understood(command, words, kind, name) }));
  const meanings = new Set(found.map(({ how }) => (typeof how === 'string' ? '' : how.long)));
  return [
    ...found.flatMap(({ name, how }) => (typeof how === 'string' ? [`${words} --${name}: ${how}`] : [])),
    ...(meanings.size > 1 ? [`${words} ${names.join(' ')}: are ${[...meanings].join(' and ')}`] : []),
  ];
}

describe("Cadence's CLI in ours", () => {
  it('has every global flag', () => {
    const workflowList = commandAt('workflow list') as Command;
    expect(tree.global.flatMap((line) => faultsOf(workflowList, 'workflow list', line))).toEqual([]);
  });

  it('has every command and alias', () => {
    const missing = tree.commands
      .filter(({ path: at }) => !isLeftOut(at))
      .flatMap(({ path: at, aliases = [] }) => {
        const parent = at.split(' ').slice(0, -1).join(' ');
        const own = commandAt(at);
        if (own === undefined) return [at];
        return aliases
          .map((alias) => `${parent} ${alias}`.trim())
          .filter((words) => commandAt(words) !== own)
          .map((words) => `${words} (${at})`);
      });
    expect(missing).toEqual([]);
  });

  it('has every flag of every command, under each of its names', () => {
    let compared = 0;
    const faults = tree.commands
      .filter(({ path: at }) => isLeaf(at) && !isLeftOut(at))
      .flatMap(({ path: at, flags = [] }) =>
        flags
          .filter((line) => !isDatabaseFlag(at, flags, line) && !isFlagLeftOut(at, line))
          .flatMap((line) => {
            compared++;
            return faultsOf(commandAt(at) as Command, at, line);
          }),
      );
    expect(faults).toEqual([]);
    expect(compared).toBeGreaterThan(400);
  });

  it('leaves out only what Cadence has, each for a reason', () => {
    for (const { command, reason } of COMMANDS_LEFT_OUT) {
      expect(
        tree.commands.some((each) => each.path === command),
        command,
      ).toBe(true);
      expect(reason.length).toBeGreaterThan(20);
    }
    for (const { command, flag, reason } of FLAGS_LEFT_OUT) {
      const known = tree.commands.some(
        (each) => each.path.startsWith(command) && (each.flags ?? []).some((line) => line.split(' ')[1] === flag),
      );
      expect(known, `${command} --${flag}`).toBe(true);
      expect(reason.length).toBeGreaterThan(20);
    }
  });
});
