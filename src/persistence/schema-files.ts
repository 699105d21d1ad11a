// The numbered schema versions under schema/<driver>/, as the manifest lists them. A released version never changes:
// the next change is the next version. Found by walking up from this file, so it works from the sources and from the
// build.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '#base';

export interface SchemaVersion {
  readonly version: number;
  readonly description: string;
  /** All its statements. */
  readonly text: string;
  readonly sha256: string;
}

interface Manifest {
  readonly driver: string;
  readonly versions: readonly { version: number; description: string; files: readonly string[] }[];
}

function findSchemaFolder(driver: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'schema', driver);
    if (existsSync(join(candidate, 'manifest.json'))) return candidate;
    const parent = dirname(folder);
    assert(parent !== folder, 'the schema folder is part of the package', { driver });
    folder = parent;
  }
}

/** Of the statements alone: comments and layout may change. */
function fingerprint(text: string): string {
  const statements = text.replace(/--.*$/gm, '').replace(/\s+/g, ' ');
  return createHash('sha256').update(statements).digest('hex');
}

/** Versions in order, 1, 2, 3… */
export function loadSchemaVersions(driver: string, folder = findSchemaFolder(driver)): readonly SchemaVersion[] {
  // The manifest is part of the package and checked right below.
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  assert(manifest.driver === driver, 'a manifest names the store that it is of', { driver, named: manifest.driver });
  return manifest.versions.map(({ version, description, files }, index) => {
    assert(version === index + 1, 'schema versions are numbered from 1 without a gap', { driver, version });
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
    return { version, description, text, sha256: fingerprint(text) };
  });
}
