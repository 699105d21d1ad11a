// Versions of a schema as people name them, and the folders they come from.
import fs from 'node:fs';
import path from 'node:path';
import { loadSchemaVersions, type SchemaTarget, type SchemaVersion } from '#persistence';
import { usageError } from '../../failure.ts';

/** `3`, `3.0` and `v3` are version 3; `0.0` is the empty store. */
export function versionNumber(flag: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  const match = /^v?(\d{1,6})(?:\.0)?$/.exec(typed);
  if (match === null) throw usageError(`${flag} is "${typed}": expected a version such as 2 or 2.0`);
  return Number(match[1]);
}

/** This release's versions, or those of a folder with a manifest.json of the same store. */
export function versionsOf(target: SchemaTarget, folder: string | undefined): readonly SchemaVersion[] {
  if (folder === undefined) return loadSchemaVersions(target.schema);
  // The folder of a store's schema, or of one version in it, as `update-schema -d` is used with Cadence.
  const found = [folder, path.dirname(folder)].find((each) => fs.existsSync(path.join(each, 'manifest.json')));
  if (found === undefined) {
    throw usageError(
      `${folder} has no manifest.json, which lists the versions of a schema`,
      `This release has its own: leave the folder out, or give schema/${target.schema} of the package.`,
    );
  }
  const { driver } = JSON.parse(fs.readFileSync(path.join(found, 'manifest.json'), 'utf8')) as { driver?: string };
  if (driver !== target.schema) throw usageError(`${found} is the schema of ${driver}, and not of ${target.schema}`);
  return loadSchemaVersions(target.schema, found);
}
