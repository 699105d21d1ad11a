// What routes answer with, and how it is written. A stream's first line is awaited before the status goes out, so that a call that fails at once
// fails with its own status; a later failure is the stream's last line.
import type { ServerResponse } from 'node:http';
import type { JsonValue } from '@bufbuild/protobuf';
import type { ErrorRenderer } from './http-error.ts';

export type Reply =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly body: JsonValue;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'text';
      readonly type: string;
      readonly text: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'lines'; readonly lines: AsyncGenerator<JsonValue, void, void> };

export const jsonReply = (body: JsonValue, status = 200, headers: Readonly<Record<string, string>> = {}): Reply => ({
  kind: 'json',
  status,
  body,
  headers,
});

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export function writeError(response: ServerResponse, render: ErrorRenderer, error: unknown): number {
  const { status, headers, body } = render(error);
  writeJson(response, status, body, headers);
  return status;
}

export async function writeReply(response: ServerResponse, reply: Reply, render: ErrorRenderer): Promise<number> {
  switch (reply.kind) {
    case 'json':
      writeJson(response, reply.status, reply.body, reply.headers);
      return reply.status;
    case 'text': {
      const bytes = Buffer.from(reply.text);
      response
        .writeHead(200, { ...reply.headers, 'content-type': reply.type, 'content-length': bytes.length })
        .end(bytes);
      return 200;
    }
    case 'lines':
      await writeLines(response, reply.lines, render);
      return 200;
  }
}

function writeJson(
  response: ServerResponse,
  status: number,
  body: JsonValue,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response
    .writeHead(status, {
      ...headers,
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
    })
    .end(bytes);
}

async function writeLines(
  response: ServerResponse,
  lines: AsyncGenerator<JsonValue, void, void>,
  render: ErrorRenderer,
): Promise<void> {
  let next = await lines.next();
  response.writeHead(200, { 'content-type': 'application/jsonl; charset=utf-8' });
  try {
    while (!next.done && !response.destroyed) {
      // A reader that is slow holds the stream up instead of filling our memory.
      if (!response.write(`${JSON.stringify(next.value)}\n`)) await drained(response);
      next = await lines.next();
    }
  } catch (error) {
    response.write(`${JSON.stringify({ error: render(error).body })}\n`);
  }
  await lines.return();
  response.end();
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
