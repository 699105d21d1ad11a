// Reads the body of a request as text, within limits: of one body after decompression (so that a gzip bomb stops where it passes the limit),
// and of all bodies that are being read at once, so that many clients with large bodies cannot fill the memory either.
// How long a body may take is the listener's concern (`requestTimeout`).
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { badRequest, ServiceBusyError } from '#base';
import { bodyTooLarge, HttpError, unsupportedMediaType } from './http-error.ts';

export interface BodyReader {
  /** @throws HttpError or BadRequest; whatever happens, the body counts no longer when it settles. */
  read(request: IncomingMessage): Promise<string>;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

export function createBodyReader(limits: {
  readonly bodyBytesMax: number;
  readonly allBodiesBytesMax: number;
}): BodyReader {
  let heldBytes = 0;
  return {
    async read(request) {
      const declaredBytes = Number(request.headers['content-length'] ?? 0);
      if (declaredBytes > limits.bodyBytesMax) throw bodyTooLarge(limits.bodyBytesMax);
      const isEmpty = declaredBytes === 0 && request.headers['transfer-encoding'] === undefined;
      if (isEmpty) return '';
      requireJson(request);
      const source = decompressed(request);
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      try {
        // Not destroyed when the loop is left: that would close the connection before the answer is on it.
        for await (const chunk of source.iterator({ destroyOnReturn: false })) {
          const bytes = chunk as Buffer; // No stream here has an encoding or objects.
          sizeBytes += bytes.length;
          heldBytes += bytes.length;
          if (sizeBytes > limits.bodyBytesMax) throw bodyTooLarge(limits.bodyBytesMax);
          if (heldBytes > limits.allBodiesBytesMax) throw tooManyBodies();
          chunks.push(bytes);
        }
        return strictUtf8.decode(Buffer.concat(chunks, sizeBytes));
      } catch (error) {
        throw readingFault(error);
      } finally {
        // What is left of it flows by unseen.
        request.unpipe().resume();
        if (source !== request) source.destroy();
        heldBytes -= sizeBytes;
      }
    },
  };
}

function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? '';
  const [mediaType = '', ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (mediaType !== 'application/json') {
    throw unsupportedMediaType(
      `The content-type must be application/json and is ${JSON.stringify(type.slice(0, 100))}.`,
    );
  }
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw unsupportedMediaType(`JSON is UTF-8; ${charset.slice(0, 100)} is not read.`);
  }
}

function decompressed(request: IncomingMessage): Readable {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return request;
  if (encoding !== 'gzip') {
    throw unsupportedMediaType(`The content-encoding ${encoding.slice(0, 100)} is not read.`, {
      'accept-encoding': 'gzip',
    });
  }
  const gunzip = createGunzip();
  // A caller that hangs up ends the body with an error, which has to arrive where the body is read.
  request.on('error', (error) => gunzip.destroy(error));
  return request.pipe(gunzip);
}

const tooManyBodies = (): HttpError =>
  new HttpError(503, new ServiceBusyError('Too many large requests at once, please retry.', 'http bodies'));

function readingFault(error: unknown): unknown {
  if (error instanceof HttpError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return badRequest('The body is not UTF-8.', { cause: error });
  if (code.startsWith('Z_')) return badRequest('The body is not valid gzip.', { cause: error });
  return error;
}
