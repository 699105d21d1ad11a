// The OpenAPI 3.1 document of everything the gateway serves: the RPCs from the .proto descriptors and their comments, the aliases from their own
// descriptions. Nothing in it is written twice.
import type { JsonObject } from '@bufbuild/protobuf';
import type { ApiMethod, ApiSchema } from './api-schema.ts';
import { createSchemaCollector, type SchemaCollector } from './openapi-schemas.ts';
import type { RestRoute } from './rest/rest-route.ts';

const ERROR: JsonObject = { $ref: '#/components/responses/Error' };
const ALIASES = 'REST';

export function createOpenApi(schema: ApiSchema, aliases: readonly RestRoute[], version: string): JsonObject {
  const schemas = createSchemaCollector(schema.comments);
  const paths: Record<string, JsonObject> = {};
  for (const method of schema.methods) paths[method.route] = { post: rpcOperation(method, schema, schemas) };
  for (const route of aliases)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: aliasOperation(route) };
  schemas.message(schema.message('google.rpc.Status'));
  const services = [...new Set(schema.methods.map(({ service }) => service))];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Antiphon',
      version,
      description:
        "Cadence's API over HTTP: each RPC with the canonical JSON of its protobuf messages, " +
        'and short aliases for workflows with plain JSON. ' +
        'Fields that have their default value are left out of answers.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, {}],
    tags: [
      { name: ALIASES, description: 'Aliases for people with curl. Payloads are plain JSON.' },
      ...services.map((name) => tag(schema, name)),
    ],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      parameters: {
        Payload: {
          name: 'antiphon-payload',
          in: 'query',
          description: 'json: payloads are shown and taken as the JSON values they hold. Also a header.',
          schema: { type: 'string', enum: ['base64', 'json'], default: 'base64' },
        },
        Timeout: {
          name: 'x-timeout',
          in: 'header',
          description: 'How long the caller waits: 30s, 500ms, 2m. Long polls end before it. 60s when absent.',
          schema: { type: 'string', pattern: '^[0-9]{1,8}(\\.[0-9]{1,9})?(ms|s|m|h)?$' },
        },
        IdempotencyKey: {
          name: 'idempotency-key',
          in: 'header',
          description: 'Requests with the same key count once.',
          schema: { type: 'string', maxLength: 1000 },
        },
      },
      responses: {
        Error: {
          description: 'What went wrong: the gRPC code, its text, and details as in gRPC.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/google.rpc.Status' } } },
        },
      },
      schemas: schemas.collected(),
    },
  };
}

function tag(schema: ApiSchema, name: string): JsonObject {
  const service = schema.methods.find((method) => method.service === name)?.descriptor.parent;
  const description = service === undefined ? '' : schema.comments.of(service.proto);
  return description === '' ? { name } : { name, description };
}

function rpcOperation(method: ApiMethod, schema: ApiSchema, schemas: SchemaCollector): JsonObject {
  const { input, output, proto } = method.descriptor;
  const comment = schema.comments.of(proto);
  return {
    operationId: `${method.service}_${method.name}`,
    tags: [method.service],
    summary: method.name,
    ...(comment === '' ? {} : { description: comment }),
    parameters: [{ $ref: '#/components/parameters/Payload' }, { $ref: '#/components/parameters/Timeout' }],
    requestBody: { required: true, content: { 'application/json': { schema: schemas.message(input) } } },
    responses: {
      '200': { description: 'The answer.', content: { 'application/json': { schema: schemas.message(output) } } },
      default: ERROR,
    },
  };
}

function aliasOperation(route: RestRoute): JsonObject {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = route.query.map(({ name, doc, schema }) => ({ name, in: 'query', description: doc, schema }));
  const writes = route.method === 'POST' ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : [];
  const content: JsonObject = { 'application/json': { schema: route.answer } };
  if (route.streams) content['application/jsonl'] = { schema: { type: 'string' } };
  return {
    operationId: route.operationId,
    tags: [ALIASES],
    summary: route.summary,
    parameters: [...inPath, ...inQuery, ...writes, { $ref: '#/components/parameters/Timeout' }],
    ...(route.body && { requestBody: { content: { 'application/json': { schema: route.body } } } }),
    responses: { [String(route.answerStatus ?? 200)]: { description: 'The answer.', content }, default: ERROR },
  };
}
