// The reference page of the command, made from its declarations: `npm run docs` writes it to docs/guide/cli-reference.md.
import type { Command, Option } from 'commander';
import { createProgram } from './program.ts';
import { aliasesOf, choicesOf } from './spec/command-line.ts';

// The same with every command that prints; told once at the top.
const EVERYWHERE = new Set(['--print-json', '--format', '--help']);

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function flagLine(option: Option): string {
  const [names = '', value = ''] = option.flags.split(/(?= <)/);
  const aliases = aliasesOf(option).map((name) => (name.length > 1 ? `--${name}` : `-${name}`));
  const env = option.envVar ? ` (\`${option.envVar}\`)` : '';
  const choices = option.argChoices ? `: ${choicesOf(option).join(', ')}` : '';
  return `| \`${cell([...names.split(', '), ...aliases].join(', ') + value)}\` | ${cell(option.description)}${choices}${env} |`;
}

function commandPart(command: Command, path: string): string {
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const options = command.options.filter((option) => !option.hidden && !EVERYWHERE.has(option.long ?? ''));
  const flags = options.map(flagLine);
  return [
    `### ${[path, ...words].join(' ')}`,
    command.description().replace(/^./, (letter) => letter.toUpperCase()) +
      (/[.:]$/.test(command.description()) ? '' : '.'),
    ...(aliases.length > 0 ? [`Also: ${aliases.join(', ')}.`] : []),
    ...(flags.length > 0 ? [['| flag | what it is |', '|---|---|', ...flags].join('\n')] : []),
  ].join('\n\n');
}

function parts(command: Command, path = ''): readonly string[] {
  return command.commands.flatMap((child) => {
    const at = `${path} ${child.name()}`.trim();
    return child.commands.length > 0 ? parts(child, at) : [commandPart(child, at)];
  });
}

export function cliReference(): string {
  const program = createProgram();
  const groups = program.commands.map((group) => {
    const aliases = group.aliases().map((alias) => `, \`${alias}\``);
    const body = group.commands.length > 0 ? parts(group, group.name()) : [commandPart(group, group.name())];
    const title =
      group.commands.length > 0
        ? [`## ${group.name()}`, `\`${group.name()}\`${aliases.join('')}: ${group.description()}.`]
        : [`## ${group.name()}`];
    return [...title, ...body].join('\n\n');
  });
  return `# Reference of the \`antiphon\` command

Made from the declarations in \`src/cli\` by \`npm run docs\`. How to use it: [cli.md](cli.md). In any name
\`_\` and \`-\` are the same, and one dash is as good as two. Commands that print take \`--print-json\` and
\`--format table|json|jsonl\`, too, which mean the same as \`--output\`.

## Global options

${['| flag | what it is |', '|---|---|', ...program.options.filter((option) => !option.hidden).map(flagLine)].join('\n')}

${groups.join('\n\n')}
`;
}
