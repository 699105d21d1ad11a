// Metadata that no client of good will sends.
import type { Chance } from '../simulation/chance.ts';

const KEYS: readonly string[] = [
  'cadence-client-name',
  'cadence-client-feature-version',
  'cadence-client-library-version',
  'cadence-client-feature-flags',
  'cadence-caller-type',
  'cadence-client-isolation-group',
  'cadence-forwarding-cluster',
  'cadence-authorization',
  'authorization',
  'rpc-caller',
  'rpc-service',
  'rpc-encoding',
  'antiphon-priority',
  'antiphon-fairness-key',
  'antiphon-fairness-weight',
  'cadence-workflow-partition-config',
  'traceparent',
  'uber-trace-id',
  'grpc-accept-encoding',
  'x-unknown',
];

const VALUES: readonly string[] = [
  '',
  'x'.repeat(5000),
  '{"WorkflowExecutionAlreadyCompletedErrorEnabled":true}',
  '{',
  `${'['.repeat(3000)}`,
  '{"__proto__":{"a":1}}',
  'null',
  'uber-go',
  'uber-java',
  'cli',
  '0.0.0',
  '99999999999.1.1',
  '1.7.0-beta+x',
  'not a version',
  'region-b',
  'region-a',
  'NaN',
  '-1',
  '1e308',
  'Bearer eyJhbGciOiJub25lIn0.e30.',
  'a.b.c',
  'internal',
  'zone-1',
  '00-00000000000000000000000000000000-0000000000000000-01',
];

export function hostileMetadata(chance: Chance): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let count = chance.whole(1, 4); count > 0; count--) headers[chance.pick(KEYS)] = chance.pick(VALUES);
  // More than a peer takes: its own call may fail, nobody else's.
  if (chance.is(0.03)) for (let i = 0; i < 120; i++) headers[`x-filler-${i}`] = 'y'.repeat(chance.pick([10, 100, 450]));
  if (chance.is(0.05)) headers['x-odd-bin'] = chance.pick(['!!!', 'AAA', '=']);
  return headers;
}
