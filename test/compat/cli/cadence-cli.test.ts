// Cadence's own command line against Antiphon: every command that speaks to a server, what it prints and its exit code. Needs the binary that
// scripts/cadence-cli.mjs builds (`npm test -- cadence-cli` builds it first).
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminSuite } from './admin-suite.ts';
import { batchSuite } from './batch-suite.ts';
import { isNotApplicable, leaves } from './coverage.ts';
import { domainSuite } from './domain-suite.ts';
import { exportSuite } from './export-suite.ts';
import { binary, type CadenceCli, startCadenceCli } from './support.ts';
import { workflowSuite } from './workflow-suite.ts';

const COMMANDS_MIN = 60;

describe.skipIf(!fs.existsSync(binary))("Cadence's command line", () => {
  let cli: CadenceCli;
  beforeAll(async () => {
    cli = await startCadenceCli();
  });
  afterAll(() => cli.stop());
  workflowSuite(() => cli);
  batchSuite(() => cli);
  domainSuite(() => cli);
  adminSuite(() => cli);
  exportSuite(() => cli);

  it(`was tried with at least ${COMMANDS_MIN} commands, and with every one that applies to a server`, () => {
    const tried = cli.succeeded;
    const untried = leaves.filter((leaf) => !tried.has(leaf) && !isNotApplicable(leaf));
    expect(untried).toEqual([]);
    expect(tried.size).toBeGreaterThanOrEqual(COMMANDS_MIN);
  });
});
