// Every bad input gets its status, its detail and its text; none leaves a trace; the server answers on. Runs against whatever `openTarget`
// opens, by its address alone.
import { Status } from '@antiphon/proto/google';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { badInputs } from './bad-input/cases.ts';
import type { BadInput } from './bad-input/row.ts';
import { openTarget, type Target } from './bad-input/target.ts';

const target: Target = await openTarget();
const cases = badInputs(await target.domains());
const client = new Client(target.address, credentials.createInsecure(), {
  'grpc.max_send_message_length': 64 << 20,
  'grpc.max_receive_message_length': 64 << 20,
});
let before: unknown;

beforeAll(async () => {
  before = await target.written();
});
afterAll(async () => {
  client.close();
  await target.close();
});

interface Answer {
  readonly code: number;
  readonly text: string;
  readonly details: readonly string[];
}

const send = ({ path, bytes, timeoutMs }: Pick<BadInput, 'path' | 'bytes' | 'timeoutMs'>): Promise<Answer> =>
  new Promise((resolve) => {
    const options = timeoutMs === null ? {} : { deadline: Date.now() + timeoutMs };
    const identity = (buffer: Buffer): Buffer => buffer;
    client.makeUnaryRequest(path, identity, identity, bytes, new Metadata(), options, (error) => {
      if (error === null) {
        resolve({ code: status.OK, text: '', details: [] });
        return;
      }
      const [found] = error.metadata.get('grpc-status-details-bin');
      const details = found === undefined ? [] : Status.decode(found as Buffer).details.map((each) => each.typeUrl);
      resolve({ code: error.code, text: error.details, details });
    });
  });

test('there are enough of them', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

test.each(cases.map((input) => [input.name, input] as const))('%s', async (_, input) => {
  const answer = await send(input);
  const { code, text, details } = answer;
  expect({ code, details, text }).toEqual({
    code: input.code,
    details: input.detail === undefined ? [] : [`type.googleapis.com/uber.cadence.api.v1.${input.detail}`],
    text: typeof input.text === 'string' ? input.text : expect.stringMatching(input.text),
  });
  expect(text).not.toMatch(/\n\s+at |node:internal|\.ts:\d+/);
});

test('after all of it nothing was written and the server is alive', async () => {
  expect(await target.written()).toEqual(before);
  const answer = await send({ path: '/uber.cadence.api.v1.MetaAPI/Health', bytes: Buffer.alloc(0), timeoutMs: 5000 });
  expect(answer).toEqual({ code: status.OK, text: '', details: [] });
});
