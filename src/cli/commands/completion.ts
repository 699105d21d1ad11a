// completion bash|zsh|fish: a script that completes commands, flags and the values of flags with choices. The whole tree is in the script, so that a
// press of the tab key starts no process.
import type { Command, Option } from 'commander';
import { addCommand } from '../spec/command.ts';
import { aliasesOf, choicesOf, isSwitch } from '../spec/command-line.ts';
import { oneOf, required } from '../spec/flags.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const INSTALL: Readonly<Record<Shell, string>> = {
  bash: 'antiphon completion bash > ~/.local/share/bash-completion/completions/antiphon',
  zsh: 'antiphon completion zsh > ~/.zfunc/_antiphon   # with fpath+=~/.zfunc before compinit in .zshrc',
  fish: 'antiphon completion fish > ~/.config/fish/completions/antiphon.fish',
};

export function addCompletionCommand(program: Command): void {
  addCommand(program, {
    name: 'completion',
    summary: 'print a script that completes commands and flags in a shell',
    details: `To install it:\n${Object.values(INSTALL)
      .map((line) => `  ${line}`)
      .join('\n')}`,
    examples: ['completion bash'],
    flags: { shell: required(oneOf('shell', 'which shell', SHELLS)) },
    positional: ['shell'],
    async run({ flags }) {
      process.stdout.write(completionScript(program, flags.shell));
    },
  });
}

/** A command as the scripts know it: where it is, what may follow, what a word leads to. */
interface Node {
  /** Words from the program on, separated by spaces; empty: the program. */
  readonly path: string;
  readonly words: readonly string[];
  readonly children: readonly { readonly names: readonly string[]; readonly path: string }[];
  /** Flags with a value, each with its choices, if it has any. */
  readonly valued: readonly { readonly names: readonly string[]; readonly choices: readonly string[] }[];
}

const namesOf = (option: Option): readonly string[] => [
  ...(option.long ? [option.long] : []),
  ...(option.short ? [option.short] : []),
  ...aliasesOf(option).map((name) => (name.length > 1 ? `--${name}` : `-${name}`)),
];

function nodesOf(command: Command, path: string, globals: readonly Option[]): readonly Node[] {
  const options = [...new Set([...command.options, ...globals])].filter((option) => !option.hidden);
  const children = command.commands.map((child) => ({
    names: [child.name(), ...child.aliases()],
    path: `${path} ${child.name()}`.trim(),
    child,
  }));
  const node: Node = {
    path,
    words: [...children.map(({ names }) => names[0] as string), ...options.flatMap((option) => option.long ?? [])],
    children,
    valued: options
      .filter((option) => !isSwitch(option))
      .map((option) => ({ names: namesOf(option), choices: choicesOf(option) })),
  };
  return [node, ...children.flatMap(({ child, path: at }) => nodesOf(child, at, globals))];
}

export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, '', program.options);
  return shell === 'fish' ? fish(nodes) : shell === 'zsh' ? zsh(nodes) : bash(nodes);
}

// In bash and zsh one `case` finds the command from the words before the cursor, another one what may follow.
const steps = (nodes: readonly Node[]): string =>
  nodes
    .flatMap(({ path, children }) =>
      children.map(
        ({ names, path: to }) => `      ${names.map((name) => `"${path}/${name}"`).join('|')}) at="${to}" ;;`,
      ),
    )
    .join('\n');

const follows = (nodes: readonly Node[]): string =>
  nodes
    .map(({ path, words, valued }) => {
      const values = valued
        .filter(({ choices }) => choices.length > 0)
        .map(({ names, choices }) => `        ${names.join('|')}) words="${choices.join(' ')}" ;;`);
      const files = valued
        .filter(({ choices }) => choices.length === 0)
        .flatMap(({ names }) => names)
        .join('|');
      return `    "${path}") case "$last" in
${[...values, ...(files ? [`        ${files}) words="" ;;`] : []), `        *) words="${words.join(' ')}" ;;`].join('\n')}
      esac ;;`;
    })
    .join('\n');

const bash = (nodes: readonly Node[]): string => `# bash completion of antiphon. Made by: antiphon completion bash
_antiphon() {
  local at="" words="" last="\${COMP_WORDS[COMP_CWORD-1]}" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
${steps(nodes)}
    esac
  done
  case "$at" in
${follows(nodes)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _antiphon antiphon
`;

const zsh = (nodes: readonly Node[]): string => `#compdef antiphon
# zsh completion of antiphon. Made by: antiphon completion zsh
_antiphon() {
  local at="" candidates="" last="\${words[CURRENT-1]}" typed
  local line=("\${words[@]}")
  for typed in "\${(@)line[2,CURRENT-1]}"; do
    case "$at/$typed" in
${steps(nodes)}
    esac
  done
  case "$at" in
${follows(nodes).replaceAll('words=', 'candidates=')}
  esac
  if [[ -n "$candidates" ]]; then compadd -- \${=candidates}; else _files; fi
}
if [ "$funcstack[1]" = "_antiphon" ]; then _antiphon "$@"; else compdef _antiphon antiphon; fi
`;

const fish = (nodes: readonly Node[]): string => `# fish completion of antiphon. Made by: antiphon completion fish
function __antiphon_words
  set -l at ""
  set -l typed (commandline -opc)
  set -l last $typed[-1]
  for word in $typed[2..-1]
    switch "$at/$word"
${nodes
  .flatMap(({ path, children }) =>
    children.map(
      ({ names, path: to }) =>
        `      case ${names.map((name) => `"${path}/${name}"`).join(' ')}\n        set at "${to}"`,
    ),
  )
  .join('\n')}
    end
  end
  switch "$at"
${nodes
  .map(({ path, words, valued }) => {
    const cases = valued
      .filter(({ choices }) => choices.length > 0)
      .map(({ names, choices }) => `        case ${names.join(' ')}\n          printf '%s\\n' ${choices.join(' ')}`);
    return `    case "${path}"
      switch "$last"
${[...cases, `        case '*'\n          printf '%s\\n' ${words.join(' ')}`].join('\n')}
      end`;
  })
  .join('\n')}
  end
end
complete -c antiphon -a '(__antiphon_words)'
`;
