// The versions that a tool applies: this release's, or those of a folder, as `update-schema -d` is used with Cadence.
import fs from 'node:fs';
import path from 'node:path';
import { StoreError } from '#base';
import { loadSchemaVersions, type SchemaTarget, type SchemaVersion } from '#persistence';

const refusal = (message: string): StoreError => new StoreError('ConditionFailed', message);

/** `folder`: a store's schema or one version in it, with a manifest.json of that store; undefined: this release's own. */
export function schemaVersionsOf(target: SchemaTarget, folder: string | undefined): readonly SchemaVersion[] {
  if (folder === undefined) return loadSchemaVersions(target.schema);
  const found = [folder, path.dirname(folder)].find((each) => fs.existsSync(path.join(each, 'manifest.json')));
  if (found === undefined) {
    const own = `leave the folder out for this release's own, or give schema/${target.schema} of the package`;
    throw refusal(`${folder} has no manifest.json, which lists the versions of a schema: ${own}`);
  }
  const { driver } = JSON.parse(fs.readFileSync(path.join(found, 'manifest.json'), 'utf8')) as { driver?: string };
  if (driver !== target.schema) throw refusal(`${found} is the schema of ${driver}, and not of ${target.schema}`);
  return loadSchemaVersions(target.schema, found);
}
