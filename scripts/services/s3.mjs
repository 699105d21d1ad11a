// An S3 server: versitygw on a folder, with versions and object lock, built with Go from its published module.
import fs from 'node:fs';
import path from 'node:path';
import { goProgram, hasCommand } from './downloads.mjs';

const VERSION = '1.8.0';
const ACCESS_KEY = 'antiphon';

export const s3 = {
  name: 's3',
  title: `versitygw ${VERSION}`,
  ports: ['http'],
  missing: () =>
    hasCommand('go', 'version')
      ? undefined
      : 'needs Go to be built, and there is none (Debian: apt-get install golang)',
  prepare: (progress) => goProgram('github.com/versity/versitygw/cmd/versitygw', VERSION, progress),

  command({ folder, ports, installed, secret }) {
    const [objects, versions] = ['objects', 'versions'].map((name) => path.join(folder, name));
    for (const one of [objects, versions]) fs.mkdirSync(one, { recursive: true });
    return {
      command: installed,
      args: ['--port', `127.0.0.1:${ports.http}`, 'posix', '--versioning-dir', versions, objects],
      env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: secret },
    };
  },

  /** It refuses who does not sign, which is an answer. */
  isReady: ({ ports }) =>
    fetch(`http://127.0.0.1:${ports.http}/`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.status === 403,
      () => false,
    ),
  variables: ({ ports, secret }) => ({
    S3_ENDPOINT: `http://127.0.0.1:${ports.http}`,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: 'us-east-1',
  }),
};
