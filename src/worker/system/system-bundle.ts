// The bundle of the system workflows. A build carries it ready-made beside its code; from source it is made when first wanted.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows, type WorkflowBundle } from '@antiphon/sdk/worker';

const BUNDLE_FILE = 'system-workflows.json';

export async function loadSystemBundle(from: string = fileURLToPath(import.meta.url)): Promise<WorkflowBundle> {
  const source = path.join(path.dirname(from), 'workflows', 'index.ts');
  if (fs.existsSync(source)) return bundleWorkflows({ workflowsPath: source });
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, BUNDLE_FILE);
    // Written by our build from the same type.
    if (fs.existsSync(candidate)) return JSON.parse(await fs.promises.readFile(candidate, 'utf8')) as WorkflowBundle;
    if (folder === path.dirname(folder))
      throw new Error(`${BUNDLE_FILE} was not found at or above ${path.dirname(from)}`);
  }
}
