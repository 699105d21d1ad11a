// Scenario files: commands and what they answer, in plain text (as etcd's raft keeps its interaction tests).
//
//   # comment
//   command argument key=value
//     indented lines belong to the command
//   ----
//   expected answer, up to an empty line
//
// `UPDATE=1 npx vitest run --project scenario` writes the answers anew; review them as a diff.
import fs from 'node:fs';

export interface ScenarioCommand {
  /** Comments and empty lines before it, kept as they are. */
  readonly preamble: readonly string[];
  readonly lines: readonly string[];
  readonly expected: string;
  readonly lineNumber: number;
}

export function parseScenario(text: string): { commands: ScenarioCommand[]; tail: string[] } {
  const commands: ScenarioCommand[] = [];
  const rows = text.split('\n');
  let at = 0;
  let preamble: string[] = [];
  while (at < rows.length) {
    const row = rows[at] ?? '';
    if (row.trim() === '' || row.startsWith('#')) {
      preamble.push(row);
      at++;
      continue;
    }
    const lineNumber = at + 1;
    const lines: string[] = [];
    while (at < rows.length && rows[at] !== '----' && (rows[at] ?? '').trim() !== '') lines.push(rows[at++] ?? '');
    const expected: string[] = [];
    if (rows[at] === '----') {
      at++;
      while (at < rows.length && (rows[at] ?? '').trim() !== '') expected.push(rows[at++] ?? '');
    }
    commands.push({ preamble, lines, expected: expected.join('\n'), lineNumber });
    preamble = [];
  }
  return { commands, tail: preamble };
}

export function writeScenario(file: string, commands: readonly ScenarioCommand[], tail: readonly string[]): void {
  const rows: string[] = [];
  for (const { preamble, lines, expected } of commands) {
    rows.push(...preamble, ...lines, '----');
    if (expected !== '') rows.push(expected);
  }
  rows.push(...tail);
  fs.writeFileSync(file, `${rows.join('\n').trimEnd()}\n`);
}

/** `verb word key=value key="with spaces"` */
export interface CommandLine {
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export function parseLine(line: string): CommandLine {
  const parts = line.trim().match(/(?:[^\s"]+|"[^"]*")+/g) ?? [];
  const words: string[] = [];
  const options: Record<string, string> = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals > 0) options[part.slice(0, equals)] = part.slice(equals + 1).replaceAll('"', '');
    else words.push(part.replaceAll('"', ''));
  }
  return { verb: words[0] ?? '', words: words.slice(1), options };
}
