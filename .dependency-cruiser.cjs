// Module boundaries: one line per module with what it may import besides itself. Anything else is an error. Reasons: ARCHITECTURE.md.
const may = {
  proto: [],
  'src/base': [],
  'src/core': ['src/base', 'proto'],
  'src/env': ['src/base'],
  'src/config': ['src/base', 'src/env'],
  'src/observability': ['src/base', 'src/env', 'src/config'],
  'src/persistence': ['src/base', 'src/core', 'src/env', 'proto'],
  'src/dynamicconfig': ['src/base', 'src/core', 'src/env', 'src/persistence'],
  'src/membership': ['src/base', 'src/env', 'src/persistence', 'proto'],
  'src/quotas': ['src/base', 'src/env', 'src/dynamicconfig'],
  'src/log': ['src/base', 'src/env', 'src/persistence', 'src/rpc', 'proto'],
  'src/blob': ['src/base', 'src/env'],
  'src/domains': ['src/base', 'src/core', 'src/env', 'src/persistence', 'src/dynamicconfig', 'proto'],
  'src/rpc': ['src/base', 'src/core', 'src/env', 'proto'],
  'src/auth': ['src/base', 'src/env', 'src/rpc', 'proto'],
  'src/visibility': ['src/base', 'src/core', 'src/env', 'src/persistence', 'proto'],
  replication: ['src/base', 'src/core', 'src/env', 'src/persistence', 'src/log', 'src/rpc', 'src/domains', 'proto'],
  archival: ['src/base', 'src/core', 'src/env', 'src/persistence', 'src/blob', 'src/visibility', 'proto', 'sdk'],
  'src/history': [
    'src/base', 'src/core', 'src/env', 'src/persistence', 'src/dynamicconfig', 'src/quotas', 'src/log', 'src/domains', 'src/visibility', 'src/rpc', 'replication', 'archival', 'proto',
  ],
  'src/matching': ['src/base', 'src/core', 'src/env', 'src/persistence', 'src/dynamicconfig', 'src/domains', 'src/rpc', 'proto'],
  'src/frontend': [
    'src/base', 'src/core', 'src/env', 'src/persistence', 'src/dynamicconfig', 'src/quotas', 'src/domains', 'src/visibility', 'src/rpc', 'src/auth', 'archival', 'proto',
  ],
  'src/gateway': ['src/base', 'src/env', 'src/rpc', 'proto'],
  'src/worker': [
    'src/base', 'src/core', 'src/env', 'src/persistence', 'src/dynamicconfig', 'src/domains', 'src/log', 'src/blob', 'src/rpc', 'src/visibility', 'replication', 'archival',
    'proto', 'sdk',
  ],
  'src/schema': ['src/base', 'src/env', 'src/persistence', 'src/visibility'],
  'src/server': ['src', 'replication', 'archival', 'proto', 'sdk'],
  'src/testing': ['src/base', 'src/env', 'src/server', 'sdk'],
  'src/cli': ['src/base', 'src/env', 'src/dynamicconfig', 'src/auth', 'src/config', 'src/observability', 'src/schema', 'src/server', 'src/rpc', 'src/blob', 'archival', 'proto', 'sdk'],
  sdk: ['proto'],
};
const ours = '^(src|proto|sdk|replication|archival|test|web|scripts)/';
const drivers = ['src/persistence/(cassandra|sqlite|memory|postgres|mysql)', 'src/log/(kafka|embedded)', 'src/blob/(s3|filesystem|memory)'];

module.exports = {
  forbidden: [
    ...Object.entries(may).map(([name, list]) => ({
      name: `${name} may import only ${list.join(', ') || 'itself'}`,
      severity: 'error',
      from: { path: `^${name}/` },
      to: { path: ours, pathNot: [`^${name}/`, ...list.map((module) => `^${module}/`)] },
    })),
    ...drivers.map((driver) => ({
      name: `drivers are chosen in src/server only (${driver})`,
      severity: 'error',
      from: { // The schema tool opens the file it upgrades; replication serves the embedded log to the other region.
        pathNot: [`^${driver}/`, '^src/(server|worker|schema)/', '^replication/serving/', '^test/', '^scripts/'] },
      to: { path: `^${driver}/` },
    })),
    {
      name: 'core and base use no Node module and no npm package but the codecs',
      severity: 'error',
      from: { path: '^src/(core|base)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'core', 'npm-no-pkg'], pathNot: ['@antiphon/proto', '@bufbuild/protobuf', '^proto/'] },
    },
    {
      name: 'the workflow sandbox sees only sdk/common and types',
      severity: 'error',
      from: { path: '^sdk/(workflow|common)/' },
      to: { path: ours, pathNot: ['^sdk/(workflow|common)/', '^proto/'] },
    },
    {
      name: 'the composition root is used only by testing and cli',
      severity: 'error',
      from: { path: '^(src|replication|archival)/', pathNot: '^src/(server|testing|cli)/' },
      to: { path: '^src/server/' },
    },
    { name: 'nothing imports tests', severity: 'error', from: { pathNot: '^(test|scripts)/' }, to: { path: '^test/' } },
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'everything resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|gen)/' },
    enhancedResolveOptions: { conditionNames: ['antiphon-src', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
