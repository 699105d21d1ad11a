// The admin RPCs of dynamic config. Values and filters travel as JSON blobs, as Cadence's CLI sends them. The operational ones are the same on
// the keys that are marked operational: rates and switches for whoever is on call, by which nothing can be lost.
// Cadence: service/frontend/admin, common/dynamicconfig/configstore
import { type DataBlob, EncodingType } from '@antiphon/proto';
import type { DynamicConfigEntry, DynamicConfigFilter, DynamicConfigValue } from '@antiphon/proto/admin';
import { accessDenied, badRequest } from '#base';
import type { DynamicConfigAdmin, RawValue, StoredEntry } from '#dynamicconfig';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { AdminHandlers, FrontendDeps } from './ports.ts';

/** Larger values are no limits or switches; they would be kept in memory for ever. */
const VALUE_BYTES_MAX = 64 * 1024;

interface GetRequest {
  readonly configName: string;
  readonly filters: readonly DynamicConfigFilter[];
}

interface UpdateRequest {
  readonly configName: string;
  readonly configValues: readonly DynamicConfigValue[];
}

export function createDynamicConfigApi(deps: FrontendDeps, { serve, byNothing }: Pipeline): AdminHandlers {
  const all = answers(deps.config.admin, () => {});
  const operational = answers(deps.config.admin, (name) => {
    if (deps.config.admin.isOperational(name)) return;
    throw accessDenied(`${name} is not operational: change it by UpdateDynamicConfig.`);
  });
  return {
    getDynamicConfig: serve('admin', 'getDynamicConfig', ADMIN_CALL, byNothing, (request) => all.get(request)),
    updateDynamicConfig: serve('admin', 'updateDynamicConfig', ADMIN_CALL, byNothing, (request) => all.update(request)),
    restoreDynamicConfig: serve('admin', 'restoreDynamicConfig', ADMIN_CALL, byNothing, (request) =>
      all.restore(request),
    ),
    listDynamicConfig: serve('admin', 'listDynamicConfig', ADMIN_CALL, byNothing, (request) => all.list(request)),
    getOperationalDynamicConfig: serve('admin', 'getOperationalDynamicConfig', ADMIN_CALL, byNothing, (request) =>
      operational.get(request),
    ),
    updateOperationalDynamicConfig: serve('admin', 'updateOperationalDynamicConfig', ADMIN_CALL, byNothing, (request) =>
      operational.update(request),
    ),
    restoreOperationalDynamicConfig: serve(
      'admin',
      'restoreOperationalDynamicConfig',
      ADMIN_CALL,
      byNothing,
      (request) => operational.restore(request),
    ),
    listOperationalDynamicConfig: serve(
      'admin',
      'listOperationalDynamicConfig',
      ADMIN_CALL,
      byNothing,
      async (request) => {
        const { entries } = await all.list(request);
        return { entries: entries.filter(({ name }) => deps.config.admin.isOperational(name)) };
      },
    ),
  };
}

function answers(admin: DynamicConfigAdmin, requireAllowed: (name: string) => void) {
  const requireName = (name: string): void => {
    if (name === '') throw badRequest('Request is nil.');
    requireAllowed(name);
  };
  return {
    async get({ configName, filters }: GetRequest) {
      requireName(configName);
      return { value: blobOf(admin.get(configName, constraintsOf(filters))) };
    },
    async update({ configName, configValues }: UpdateRequest) {
      requireName(configName);
      await admin.update(configName, configValues.map(rawValueOf));
      return {};
    },
    async restore({ configName, filters }: GetRequest) {
      requireName(configName);
      await admin.restore(configName, filters.length === 0 ? undefined : constraintsOf(filters));
      return {};
    },
    async list({ configName }: { readonly configName: string }) {
      return { entries: admin.list(configName === '' ? undefined : configName).map(entryOf) };
    },
  };
}

const rawValueOf = ({ value, filters }: DynamicConfigValue): RawValue => ({
  value: jsonOf(value, 'The value of a dynamic config value'),
  constraints: constraintsOf(filters),
});

const entryOf = ({ name, values }: StoredEntry): DynamicConfigEntry => ({
  name,
  values: values.map(({ value, constraints }) => ({
    value: blobOf(value),
    filters: Object.entries(constraints).map(([filter, given]) => ({ name: filter, value: blobOf(given) })),
  })),
});

const constraintsOf = (filters: readonly DynamicConfigFilter[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(filters.map(({ name, value }) => [name, jsonOf(value, `The filter ${name.slice(0, 100)}`)]));

const blobOf = (value: unknown): DataBlob => ({
  encodingType: EncodingType.ENCODING_TYPE_JSON,
  data: new TextEncoder().encode(JSON.stringify(value)),
});

function jsonOf(blob: DataBlob | undefined, what: string): unknown {
  if (blob === undefined || blob.data.length === 0) throw badRequest(`${what} is not set on request.`);
  if (blob.encodingType !== EncodingType.ENCODING_TYPE_JSON) throw badRequest(`${what}: unsupported blob encoding`);
  if (blob.data.length > VALUE_BYTES_MAX) throw badRequest(`${what} has more than ${VALUE_BYTES_MAX} bytes.`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(blob.data));
  } catch (cause) {
    throw badRequest(`${what} is not valid JSON.`, { cause });
  }
}
