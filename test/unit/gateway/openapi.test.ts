// The OpenAPI document: whole, consistent, and true of the JSON that is served.
import { fromBinary, type JsonObject, type JsonValue, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadApiSchema } from '../../../src/gateway/api-schema.ts';
import { createOpenApi } from '../../../src/gateway/openapi.ts';
import { WORKFLOW_ROUTES } from '../../../src/gateway/rest/workflow-routes.ts';
import { arbitraryBytes } from './arbitrary-message.ts';
import { faultsOf, resolve } from './json-schema.ts';

const schema = loadApiSchema();
const document = JSON.parse(JSON.stringify(createOpenApi(schema, WORKFLOW_ROUTES, '1.2.3'))) as JsonObject;
const paths = document.paths as Record<string, Record<string, JsonObject>>;
const operations = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

function walk(node: JsonValue, visit: (node: JsonObject) => void): void {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (typeof node === 'object' && node !== null) {
    visit(node);
    for (const item of Object.values(node)) walk(item, visit);
  }
}

describe('the document', () => {
  test('is OpenAPI 3.1 with a title, a version, a server and a security scheme', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Antiphon', version: '1.2.3', license: { identifier: 'Apache-2.0' } },
      servers: [{ url: '/' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    });
  });

  test('has every RPC of every service as a POST', () => {
    expect(schema.methods.length).toBeGreaterThan(90);
    for (const { route, service, name } of schema.methods) {
      expect(paths[route]?.post?.operationId).toBe(`${service}_${name}`);
    }
  });

  test('says of every RPC and service what it is for, in the words of the .proto files', () => {
    for (const { route } of schema.methods) expect(paths[route]?.post?.description, route).toMatch(/^[A-Z].*\.$/);
    for (const { name, description } of document.tags as { name: string; description?: string }[]) {
      expect(description, name).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('has every alias', () => {
    for (const { path, method, operationId } of WORKFLOW_ROUTES) {
      expect(paths[path]?.[method.toLowerCase()]?.operationId).toBe(operationId);
    }
  });

  test('gives each operation an id of its own, a tag that is declared, and the error as its default answer', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (document.tags as { name: string }[]).map(({ name }) => name);
    for (const { operation } of operations) {
      expect(tags).toContain((operation.tags as string[])[0]);
      expect(operation.responses).toMatchObject({ default: { $ref: '#/components/responses/Error' } });
    }
  });

  test('has references that all lead somewhere', () => {
    let count = 0;
    walk(document, (node) => {
      if (typeof node.$ref !== 'string') return;
      count++;
      expect(resolve(document, node.$ref)).toBeDefined();
    });
    expect(count).toBeGreaterThan(500);
  });

  test('uses every schema it has', () => {
    const used = new Set<string>();
    walk(document, (node) => {
      if (typeof node.$ref === 'string') used.add(node.$ref);
    });
    const { schemas } = document.components as { schemas: JsonObject };
    expect(Object.keys(schemas).filter((name) => !used.has(`#/components/schemas/${name}`))).toEqual([]);
  });

  test('declares the parameters of a path as they stand in it', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters as JsonObject[])
        .filter((each) => each.in === 'path')
        .map(({ name }) => name);
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });
});

const bodyOf = (part: JsonValue | undefined): JsonObject =>
  ((part as { content: Record<string, { schema: JsonObject }> }).content['application/json'] as { schema: JsonObject })
    .schema;

describe('the schemas fit the JSON of', () => {
  test.each(schema.methods.map((method) => [`${method.service}/${method.name}`, method] as const))(
    '%s',
    (_, method) => {
      const operation = paths[method.route]!.post!;
      const { input, output } = method.descriptor;
      for (const [message, described] of [
        [input, bodyOf(operation.requestBody)],
        [output, bodyOf((operation.responses as JsonObject)['200'])],
      ] as const) {
        fc.assert(
          fc.property(arbitraryBytes(message), (bytes) => {
            const json = toJson(message, fromBinary(message, bytes), { registry: schema.registry });
            expect(faultsOf(document, described, json)).toEqual([]);
          }),
          { numRuns: 10 },
        );
      }
    },
  );

  test('an error', () => {
    const error = {
      code: 5,
      message: 'Domain x does not exist.',
      details: [{ '@type': 'type.googleapis.com/uber.cadence.api.v1.EntityNotExistsError' }],
    };
    expect(faultsOf(document, { $ref: '#/components/schemas/google.rpc.Status' }, error)).toEqual([]);
    expect(faultsOf(document, { $ref: '#/components/schemas/google.rpc.Status' }, { code: 'five' })).toHaveLength(1);
  });
});
