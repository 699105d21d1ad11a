// Our `workflow show --output-filename` writes what Cadence's writes, so that the replayers of its clients read either.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createInProcessCli } from '../../support/cli-in-process.ts';
import type { CadenceCli, ExportedEvent } from './support.ts';

const eventually = { timeout: 30_000, interval: 200 };

/** Without what is empty: Go writes some zeros and leaves others out, and reads both. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutZeros);
  if (typeof value !== 'object' || value === null) {
    return value === 0 || value === '' || value === false || value === null ? undefined : value;
  }
  const entries = Object.entries(value)
    .map(([key, item]) => [key, withoutZeros(item)] as const)
    .filter(([, item]) => item !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Cadence 1.4.0 writes this one name so that its own Go client does not read it; ours writes the name that the client knows. */
function asClientsRead(event: ExportedEvent): object {
  const { decisionTaskTimedOutEventAttributes: timedOut } = event as {
    decisionTaskTimedOutEventAttributes?: { cause?: string };
  };
  if (timedOut?.cause === undefined) return event;
  return { ...event, decisionTaskTimedOutEventAttributes: { ...timedOut, cause: timedOut.cause.toUpperCase() } };
}

export function exportSuite(cli: () => CadenceCli): void {
  describe('an exported history', () => {
    it('is the same by antiphon as by cadence, for every kind of event that the suite made', async () => {
      const { start, ok, history, domain, address, folder } = cli();
      await start('everything', 'everything', '--memo_key', 'k', '--memo', '"v"');
      const kinds = async () => (await history('everything')).map(({ eventType }) => eventType);
      await expect.poll(async () => (await kinds()).at(-1), eventually).toBe('WorkflowExecutionCompleted');
      const ours = createInProcessCli(address);
      const listed = await ok('workflow', 'listall', '--query', "WorkflowType != 'none'", '--print_json');
      const runs = JSON.parse(listed.stdout) as { execution: { workflowId: string; runId: string } }[];
      const seen = new Set<string>();
      for (const { execution } of runs) {
        const file = path.join(folder, `ours-${execution.runId}.json`);
        await ours.ok('-d', domain, 'workflow', 'show', '-w', execution.workflowId, '-r', execution.runId, '-of', file);
        const exported = JSON.parse(fs.readFileSync(file, 'utf8')) as { eventType: string }[];
        const theirs = (await history(execution.workflowId, execution.runId)).map(asClientsRead);
        expect(withoutZeros(exported.slice(0, theirs.length)), execution.workflowId).toEqual(withoutZeros(theirs));
        for (const { eventType } of exported) seen.add(eventType);
      }
      expect(seen.size, [...seen].join(' ')).toBeGreaterThanOrEqual(30);
    });
  });
}
