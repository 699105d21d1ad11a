// Every bad input. The domains `shop` and `other` exist; no run exists.
import { domainRows, lists, strange } from './cluster-cases.ts';
import type { BadInput, Domains } from './row.ts';
import { runs } from './run-cases.ts';
import { starts } from './start-cases.ts';
import { answers, polls } from './worker-cases.ts';

export const badInputs = (domains: Domains): readonly BadInput[] => [
  ...starts(),
  ...runs(domains),
  ...polls(),
  ...answers(domains),
  ...lists(),
  ...domainRows(),
  ...strange(),
];
