// A command from its declaration: flags with all their names, positional words that stand for flags (`signal order-1 approve` is
// `signal -w order-1 -n approve`), examples in its help. `run` gets typed values and a connection that is opened when it is first used.
import { type Command, Option } from 'commander';
import type { Connection } from '../connection.ts';
import { type CliContext, contextOf } from '../context.ts';
import { usageError } from '../failure.ts';
import { isOutputFormat, OUTPUT_FORMATS } from '../ui/output.ts';
import { setAliases, setChoices } from './command-line.ts';
import { type Flag, type Flags, on, text, typedValue, type ValuesOf } from './flags.ts';

export interface Call<F extends Flags> {
  readonly flags: ValuesOf<F>;
  readonly context: CliContext;
  readonly connection: Connection;
}

export interface CommandSpec<F extends Flags> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly details?: string;
  /** Without the leading `antiphon `. */
  readonly examples?: readonly string[];
  readonly flags: F;
  /** Flags that may be given as words, in this order. */
  readonly positional?: readonly (keyof F & string)[];
  run(call: Call<F>): Promise<void>;
}

export interface GroupSpec {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
}

/** How tables and JSON are asked for in Cadence's CLI; the same as `--output`. */
export const PRINT_FLAGS = {
  printJson: on('print-json pjson', 'the same as --output json'),
  format: text('format', 'the same as --output', 'table|json|jsonl'),
};

export function addGroup(parent: Command, { name, aliases = [], summary }: GroupSpec): Command {
  const known = parent.commands.find((each) => each.name() === name);
  return (
    known ??
    parent
      .command(name)
      .aliases([...aliases])
      .description(summary)
  );
}

/** Flags of a group's commands that may also be typed before the command; help shows them there. */
export function declareFlags(group: Command, flags: Flags): void {
  for (const flag of Object.values(flags)) group.addOption(optionOf(flag).hideHelp());
}

export function addCommand<const F extends Flags>(parent: Command, spec: CommandSpec<F>): Command {
  const command = parent
    .command(spec.name)
    .aliases([...(spec.aliases ?? [])])
    .summary(spec.summary)
    .description([spec.summary, spec.details].filter(Boolean).join('\n\n'));
  const positional = spec.positional ?? [];
  for (const key of positional) command.argument(`[${key}]`, spec.flags[key]?.help ?? '');
  for (const flag of Object.values(spec.flags)) command.addOption(optionOf(flag));
  if (spec.examples) {
    const examples = spec.examples.map((example) => `  antiphon ${example}`).join('\n');
    command.addHelpText('after', `\nExample${spec.examples.length > 1 ? 's' : ''}:\n${examples}`);
  }
  return command.action(async (...given: unknown[]) => {
    const typed = command.opts<Record<string, readonly string[] | undefined>>();
    const values = new Map(Object.entries(spec.flags).map(([key, flag]) => [key, typed[attributeOf(flag)] ?? []]));
    fillPositional(command, spec, values, given.slice(0, positional.length) as (string | undefined)[]);
    const flags: Record<string, unknown> = {};
    for (const [key, flag] of Object.entries<Flag<unknown>>(spec.flags)) {
      const texts = values.get(key) ?? [];
      if (flag.isRequired && texts.length === 0) throw missing(flag, positional.includes(key));
      flags[key] = typedValue(flag, texts);
    }
    const context = formatted(contextOf(command), flags);
    await context.connected((connection) => spec.run({ flags: flags as ValuesOf<F>, context, connection }));
  });
}

const attributeOf = ({ names }: Flag<unknown>): string =>
  (names[0] as string).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Texts are collected as they were typed; `typedValue` reads them, so that every fault has the same form. */
function optionOf(flag: Flag<unknown>): Option {
  const [full = '', ...others] = flag.names;
  const short = others.find((name) => name.length === 1);
  const value = flag.placeholder === undefined ? '' : ` <${flag.placeholder}>`;
  const option = new Option(`${short ? `-${short}, ` : ''}--${full}${value}`, helpOf(flag));
  if (flag.choices) setChoices(option, flag.choices);
  if (flag.placeholder !== undefined) {
    option.argParser((typed: string, before: readonly string[] | undefined) => [...(before ?? []), typed]);
  } else {
    option.preset(['true']);
  }
  setAliases(
    option,
    others.filter((name) => name !== short),
  );
  return option;
}

function helpOf(flag: Flag<unknown>): string {
  const { fallback } = flag;
  const notes = [
    flag.isRequired ? 'required' : '',
    fallback !== undefined && fallback !== false && !(typeof fallback === 'object') ? `default: ${fallback}` : '',
    flag.isMany ? 'may be repeated' : '',
  ].filter(Boolean);
  return flag.help + (notes.length > 0 ? ` (${notes.join(', ')})` : '');
}

function fillPositional<F extends Flags>(
  command: Command,
  spec: CommandSpec<F>,
  values: Map<string, readonly string[]>,
  words: readonly (string | undefined)[],
): void {
  const given = words.filter((word) => word !== undefined);
  const free = (spec.positional ?? []).filter((key) => values.get(key)?.length === 0);
  for (const [index, word] of given.entries()) {
    const key = free[index];
    if (key === undefined) throw usageError(`"${word}" is one argument too many for "${command.name()}"`);
    values.set(key, [word]);
  }
}

function missing(flag: Flag<unknown>, isPositional: boolean): Error {
  const [full = '', ...others] = flag.names.map((name) => (name.length > 1 ? `--${name}` : `-${name}`));
  const how = full + (others.length > 0 ? ` (${others.join(', ')})` : '');
  return usageError(
    `${how} is required: ${flag.help}`,
    isPositional ? 'It may also be given as a plain word.' : undefined,
  );
}

function formatted(context: CliContext, flags: Readonly<Record<string, unknown>>): CliContext {
  if (flags.printJson === true) return context.withFormat('json');
  const { format } = flags;
  if (typeof format !== 'string' || format === '') return context;
  if (!isOutputFormat(format))
    throw usageError(`--format is "${format}": expected one of ${OUTPUT_FORMATS.join(', ')}.`);
  return context.withFormat(format);
}
