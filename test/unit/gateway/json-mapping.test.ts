// The JSON of every message of the API against two independent witnesses: the generated codec that gRPC uses (nothing is lost or changed on the
// way through JSON) and buf, whose JSON is protobuf's reference implementation in Go.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type DescMessage, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SERVICE_DEFINITIONS, type UnaryDefinition } from '#rpc';
import { loadApiSchema } from '../../../src/gateway/api-schema.ts';
import { arbitraryBytes } from './arbitrary-message.ts';

const schema = loadApiSchema();
const { registry } = schema;
const definitions = new Map(
  Object.values(SERVICE_DEFINITIONS)
    .flatMap((service) => Object.values<UnaryDefinition>(service))
    .map((definition) => [definition.path, definition] as const),
);

const throughJson = (message: DescMessage, bytes: Uint8Array): Uint8Array => {
  const json = toJson(message, fromBinary(message, bytes), { registry });
  return toBinary(message, fromJson(message, JSON.parse(JSON.stringify(json)), { registry }));
};

describe('what goes through JSON arrives as it was', () => {
  test.each(schema.methods.map((method) => [`${method.service}/${method.name}`, method] as const))(
    '%s',
    (_, method) => {
      const definition = definitions.get(method.path)!;
      const { input, output } = method.descriptor;
      fc.assert(
        fc.property(arbitraryBytes(input), (bytes) => {
          expect(definition.requestDeserialize(Buffer.from(throughJson(input, bytes)))).toEqual(
            definition.requestDeserialize(Buffer.from(bytes)),
          );
        }),
        { numRuns: 10 },
      );
      fc.assert(
        fc.property(arbitraryBytes(output), (bytes) => {
          expect(definition.responseDeserialize(Buffer.from(throughJson(output, bytes)))).toEqual(
            definition.responseDeserialize(Buffer.from(bytes)),
          );
        }),
        { numRuns: 10 },
      );
    },
  );
});

const run = promisify(execFile);
const buf = path.join(import.meta.dirname, '../../../node_modules/.bin/buf');
const descriptors = path.join(import.meta.dirname, '../../../proto/src/gen/descriptors.binpb');
const WITNESSED = [
  'uber.cadence.api.v1.StartWorkflowExecutionRequest',
  'uber.cadence.api.v1.UpdateDomainRequest',
  'uber.cadence.api.v1.HistoryEvent',
  'uber.cadence.api.v1.DescribeWorkflowExecutionResponse',
  'uber.cadence.api.v1.RespondDecisionTaskCompletedRequest',
  'uber.cadence.api.v1.CreateScheduleRequest',
];

describe('the JSON is that of the reference implementation', () => {
  test.each(WITNESSED)(
    '%s',
    async (name) => {
      const folder = await mkdtemp(path.join(os.tmpdir(), 'antiphon-json-'));
      try {
        const message = schema.message(name);
        const [bytes] = fc.sample(arbitraryBytes(message), { numRuns: 1, seed: 7 });
        const file = path.join(folder, 'message.bin');
        await writeFile(file, bytes!);
        const { stdout } = await run(buf, [
          'convert',
          descriptors,
          '--type',
          name,
          '--from',
          `${file}#format=bin`,
          '--to',
          '-#format=json',
        ]);
        expect(toJson(message, fromBinary(message, bytes!), { registry })).toEqual(JSON.parse(stdout));
        const back = path.join(folder, 'message.json');
        await writeFile(back, JSON.stringify(toJson(message, fromBinary(message, bytes!), { registry })));
        const out = await run(buf, [
          'convert',
          descriptors,
          '--type',
          name,
          '--from',
          `${back}#format=json`,
          '--to',
          '-#format=json',
        ]);
        expect(JSON.parse(out.stdout)).toEqual(JSON.parse(stdout));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
