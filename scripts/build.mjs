// Bundles what runs: the server and CLI, the story, bench and chaos (dist/), and the SDK's entry points (sdk/dist).
// Our own packages are bundled from source; npm packages stay imports.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const external = [
  ...Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    (name) => !name.startsWith('@antiphon/'),
  ),
];
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  splitting: true,
  sourcemap: 'linked',
  conditions: ['antiphon-src'],
  external,
  logLevel: 'warning',
  define: { ANTIPHON_VERSION: JSON.stringify(manifest.version) },
  absWorkingDir: root,
};

const programs = [
  'test/bench/lists.ts',
  'test/bench/main.ts',
  'test/bench/noise.ts',
  'test/bench/reindex.ts',
  'scripts/story/main.ts',
  'test/chaos/main.ts',
  'test/chaos/worker.ts',
].filter((file) => fs.existsSync(path.join(root, file)));

fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
fs.rmSync(path.join(root, 'sdk/dist'), { recursive: true, force: true });
await build({
  ...shared,
  entryPoints: ['src/cli/main.ts', ...programs],
  outbase: '.',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
});
await build({
  ...shared,
  entryPoints: [
    ...['client', 'worker', 'workflow', 'activity', 'common'].map((name) => `sdk/${name}/index.ts`),
    'sdk/workflow/sandbox.ts',
  ],
  outbase: 'sdk',
  outdir: 'sdk/dist',
  chunkNames: 'chunks/[name]-[hash]',
});
fs.copyFileSync(path.join(root, 'proto/src/gen/descriptors.binpb'), path.join(root, 'dist/descriptors.binpb'));
// The service's own workflows run in the SDK's sandbox: their bundle is made here, so that no server makes it at start.
const { bundleWorkflows } = await import('../sdk/dist/worker/index.js');
const systemBundle = await bundleWorkflows({ workflowsPath: path.join(root, 'src/worker/system/workflows/index.ts') });
fs.writeFileSync(path.join(root, 'dist/system-workflows.json'), JSON.stringify(systemBundle));
