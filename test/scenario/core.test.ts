// Golden scenarios of the engine: test/scenario/core/*.txt. They are the engine's documentation by example; `UPDATE=1` writes them anew.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario, writeScenario } from './scenario-file.ts';
import { ScenarioRunner } from './scenario-runner.ts';

const folder = path.join(import.meta.dirname, 'core');
const isUpdate = process.env.UPDATE === '1';

describe('engine scenarios', () => {
  for (const name of fs.readdirSync(folder).sort()) {
    it(name.replace(/\.txt$/, '').replaceAll('-', ' '), () => {
      const file = path.join(folder, name);
      const { commands, tail } = parseScenario(fs.readFileSync(file, 'utf8'));
      const runner = new ScenarioRunner();
      const answered = commands.map((command) => ({ ...command, expected: runner.execute(command) }));
      if (isUpdate) {
        writeScenario(file, answered, tail);
        return;
      }
      for (const [at, command] of commands.entries()) {
        const where = `${name}:${command.lineNumber} ${command.lines[0]}`;
        expect(answered[at]?.expected, where).toBe(command.expected);
      }
    });
  }
});
