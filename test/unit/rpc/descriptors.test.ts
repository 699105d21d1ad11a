import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseDescriptorSet, readDescriptorFile } from '../../../src/rpc/descriptors.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'descriptors-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

describe('the descriptors of reflection', () => {
  test.each(['dist/src/rpc/grpc.js', 'dist/server.mjs', 'bin/antiphon.mjs'])('are found from %s', (from) => {
    const file = path.join(folder, 'proto/dist/descriptors.binpb');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'set');
    expect(Buffer.from(readDescriptorFile(path.join(folder, from))).toString()).toBe('set');
  });

  test('that are missing say where they were looked for', () => {
    expect(() => readDescriptorFile('/nowhere/at/all.js')).toThrow('descriptors.binpb was not found at or above');
  });

  test('name every message, enum, service, method and field, and bring the imports', () => {
    const set = parseDescriptorSet(readDescriptorFile());
    for (const symbol of [
      'uber.cadence.api.v1.WorkflowAPI.StartWorkflowExecution',
      'uber.cadence.api.v1.HistoryEvent.event_id',
      'uber.cadence.api.v1.HistoryEvent.attributes',
      '.uber.cadence.api.v1.TaskListKind',
      'google.protobuf.Duration',
    ]) {
      expect(set.fileBySymbol(symbol)?.length, symbol).toBeGreaterThan(0);
    }
    const service = set.fileByName('uber/cadence/api/v1/service_workflow.proto');
    expect(service?.length).toBeGreaterThan(5);
    expect(set.fileBySymbol('uber.cadence.api.v1.Nothing')).toBeUndefined();
    expect(set.fileByName('nothing.proto')).toBeUndefined();
  });
});
