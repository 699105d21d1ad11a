// Every example runs, and finds what it asserts.
import { afterAll, beforeAll, describe, test } from 'vitest';
import { run as cancellation } from '../../../examples/cancellation/run.ts';
import { run as children } from '../../../examples/children/run.ts';
import { run as continueAsNew } from '../../../examples/continue-as-new/run.ts';
import { run as cron } from '../../../examples/cron/run.ts';
import { run as hello } from '../../../examples/hello/run.ts';
import { run as order } from '../../../examples/order/run.ts';
import { run as restGateway } from '../../../examples/rest-gateway/run.ts';
import { run as signalsQueries } from '../../../examples/signals-queries/run.ts';
import { run as timers } from '../../../examples/timers/run.ts';
import { startTestServer, type TestServer } from '../../support/sdk/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const examples = {
  hello,
  order,
  timers,
  'signals-queries': signalsQueries,
  children,
  'continue-as-new': continueAsNew,
  cancellation,
  cron,
  'rest-gateway': restGateway,
};

describe('the example', () => {
  test.each(Object.entries(examples))('%s', async (_, run) => {
    await run(server.address, server.domain, server.http);
  });
});
