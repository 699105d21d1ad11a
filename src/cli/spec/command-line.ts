// What was typed, put into the one form that commander reads: the command's words, then `--full-name value`. Cadence's CLI lets people write
// `-tl x`, `--tl=x`, `--tasklist x`, `--workflow_id x`, `--open=false` and global flags before the command; all of it means here what it means there.
// A command's own flag goes before a global one of the same name.
import type { Command, Option } from 'commander';

/** Further names of an option, without dashes. */
const ALIASES = new WeakMap<Option, readonly string[]>();

export const setAliases = (option: Option, names: readonly string[]): void => {
  ALIASES.set(option, names);
};
export const aliasesOf = (option: Option): readonly string[] => ALIASES.get(option) ?? [];

/** Values that an option takes, for completion; the flag itself judges what was typed. */
const CHOICES = new WeakMap<Option, readonly string[]>();

export const setChoices = (option: Option, choices: readonly string[]): void => {
  CHOICES.set(option, choices);
};
export const choicesOf = (option: Option): readonly string[] => CHOICES.get(option) ?? option.argChoices ?? [];

export const isSwitch = (option: Option): boolean => !option.required && !option.optional;

const plainName = (name: string): string => name.replaceAll('_', '-');

function optionNamed(command: Command, typed: string): Option | undefined {
  const name = plainName(typed);
  return command.options.find(
    (option) =>
      option.long?.slice(2) === name ||
      option.short?.slice(1) === typed ||
      aliasesOf(option).some((alias) => alias === typed || (alias.length > 1 && plainName(alias) === name)),
  );
}

const subcommandNamed = (command: Command, word: string): Command | undefined =>
  command.commands.find((each) => each.name() === word || each.aliases().includes(word));

interface Typed {
  readonly name: string;
  readonly value: string | undefined;
}

function flagOf(token: string): Typed | undefined {
  const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(token);
  return match ? { name: match[1] as string, value: match[2] } : undefined;
}

/** @param argv as process.argv. Words that are nobody's flag are left as they are: commander says what is wrong with them. */
export function normalized(program: Command, argv: readonly string[]): string[] {
  const [node = '', script = '', ...typed] = argv;
  // `help workflow start` is `workflow start --help`: commander would stop at the first word.
  const isHelp = typed[0] === 'help';
  const tokens = isHelp ? typed.slice(1) : typed;
  const globals: string[] = [];
  const path: string[] = [];
  const own: string[] = [];
  let command = program;
  let isInWords = true;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as string;
    if (token === '--') {
      own.push(...tokens.slice(i));
      break;
    }
    const flag = flagOf(token);
    const owner = flag && [command, ...ancestors(command)].find((each) => optionNamed(each, flag.name));
    const option = flag && owner && optionNamed(owner, flag.name);
    if (flag && option) {
      const target = owner === program && command !== program ? globals : command === program ? globals : own;
      const long = option.long ?? option.short ?? token;
      if (!isSwitch(option)) {
        const value = flag.value ?? tokens[++i];
        target.push(long, ...(value === undefined ? [] : [value]));
      } else if (flag.value === undefined || !/^(false|f|0|no)$/i.test(flag.value)) {
        target.push(long);
      }
      continue;
    }
    const next: Command | undefined = isInWords && !flag ? subcommandNamed(command, token) : undefined;
    if (next) {
      command = next;
      path.push(token);
    } else {
      if (!flag) isInWords = false;
      own.push(token);
    }
  }
  // Words that are no command are left over, and are complained of instead.
  const help = isHelp && own.length === 0 ? ['--help'] : [];
  return [node, script, ...globals, ...path, ...own, ...help];
}

function ancestors(command: Command): readonly Command[] {
  return command.parent ? [command.parent, ...ancestors(command.parent)] : [];
}
