// Makes the two scripts of a sandbox with esbuild: the SDK runtime, shared by all runs, and the user's workflows, evaluated
// once per run with the SDK as an external. The checksum of the user's script is the worker's build id.
// Invariant: a Node module or an activity imported by value into workflow code is an error here, naming the importer.
import { createHash } from 'node:crypto';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';

export interface WorkflowBundle {
  /** The SDK runtime as a CommonJS module. */
  readonly runtimeCode: string;
  /** The user's workflows as a CommonJS module. */
  readonly userCode: string;
  /** Of the user's code; stacks then show positions in the sources. */
  readonly sourceMap?: string;
  /** Identifies the code: recorded with each decision, used to find runs driven by a bad build. */
  readonly checksum: string;
}

export interface BundleOptions {
  /** File that exports the workflows. */
  readonly workflowsPath: string;
  /** Overrides the checksum, e.g. with a release name. */
  readonly buildId?: string;
}

const SHARED = /^@antiphon\/sdk\/(workflow|common)$/;
const RUNTIME_NAME = 'antiphon-workflow-runtime';

function workflowModulePath(): string {
  return createRequire(import.meta.url).resolve('@antiphon/sdk/workflow');
}

/** The runtime's entry lies beside the workflow module, in source and in a build alike. */
function runtimeEntryPath(): string {
  const workflowModule = workflowModulePath();
  return path.join(path.dirname(workflowModule), `sandbox${path.extname(workflowModule)}`);
}

const forbidHost: Plugin = {
  name: 'antiphon-workflow-imports',
  setup(builder) {
    builder.onResolve({ filter: SHARED }, (args) => ({ path: args.path, external: true }));
    builder.onResolve({ filter: /.*/ }, (args) => {
      const isHostSdk = /^@antiphon\/sdk\//.test(args.path);
      if (!isBuiltin(args.path) && !isHostSdk) return undefined;
      const importer = path.relative(process.cwd(), args.importer);
      const text =
        `workflow code must not import "${args.path}" (imported by ${importer}): do it in an activity, ` +
        'and import activities with "import type"';
      return { errors: [{ text }] };
    });
  },
};

async function bundle(
  entry: string,
  plugins: Plugin[],
): Promise<{ readonly code: string; readonly sourceMap: string }> {
  const result = await build({
    entryPoints: [entry],
    // The bundle names its files relative to this; the checksum must not depend on where the sources lie.
    absWorkingDir: path.dirname(entry),
    bundle: true,
    write: false,
    outfile: 'bundle.js',
    sourcemap: 'external',
    sourcesContent: false,
    format: 'cjs',
    platform: 'neutral',
    target: 'es2022',
    mainFields: ['module', 'main'],
    // When this process runs the SDK from source, so must the sandbox.
    conditions: workflowModulePath().endsWith('.ts') ? ['antiphon-src'] : [],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'silent',
    plugins,
  });
  const textOf = (suffix: string) => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
  return { code: textOf('bundle.js'), sourceMap: textOf('.map') };
}

/** Bundles the workflows of a file for use in workers and replayers. */
export async function bundleWorkflows(options: BundleOptions): Promise<WorkflowBundle> {
  const [runtime, user] = await Promise.all([
    bundle(runtimeEntryPath(), []),
    bundle(path.resolve(options.workflowsPath), [forbidHost]),
  ]);
  const checksum = options.buildId ?? createHash('sha256').update(user.code).digest('hex').slice(0, 32);
  return { runtimeCode: runtime.code, userCode: user.code, sourceMap: user.sourceMap, checksum };
}

export { RUNTIME_NAME };
