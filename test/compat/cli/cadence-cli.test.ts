// Cadence's own command line against Antiphon: every command that speaks to a server, what it prints and its exit code. Needs the binary that
// scripts/cadence-cli.mjs builds (`npm test -- cadence-cli` builds it first).
import fs from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';
import { adminSuite } from './admin-suite.ts';
import { domainSuite } from './domain-suite.ts';
import { binary, type CadenceCli, startCadenceCli } from './support.ts';
import { workflowSuite } from './workflow-suite.ts';

describe.skipIf(!fs.existsSync(binary))("Cadence's command line", () => {
  let cli: CadenceCli;
  beforeAll(async () => {
    cli = await startCadenceCli();
  });
  afterAll(() => cli.stop());
  workflowSuite(() => cli);
  domainSuite(() => cli);
  adminSuite(() => cli);
});
