// `npm run services` on a real server, the one that starts quickest (S3): idempotent, by pid only, instances beside each other.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { missing, type RunningService, release, start, stop } from '../../../scripts/services/runner.mjs';
import { variable } from '../../support/services.ts';

const START_MS = 900_000; // the first time on a machine it is built
const instances = [`test-${process.pid}`, `test-${process.pid}-b`] as const;
const [instance, other] = instances;

const endpointStatus = async (service: RunningService): Promise<number> =>
  (await fetch(variable(service, 'S3_ENDPOINT'))).status;

const exits = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));

describe.skipIf(missing('s3') !== undefined)('npm run services', () => {
  afterAll(async () => {
    for (const name of instances) await stop('s3', { instance: name, remove: true });
  }, START_MS);

  it(
    'starts a server once, however often and by however many it is asked',
    async () => {
      const progress: string[] = [];
      const options = { instance, progress: (line: string) => progress.push(line) };
      const services = await Promise.all([start('s3', options), start('s3', options), start('s3', options)]);
      expect(new Set(services.map(({ pid }) => pid)).size).toBe(1);
      expect(progress.filter((line) => line.startsWith('starting'))).toHaveLength(1);
      expect(progress.filter((line) => line.startsWith('already running'))).toHaveLength(2);
      expect(await endpointStatus(services[0])).toBe(403);
      expect(progress.join()).not.toContain(variable(services[0], 'AWS_SECRET_ACCESS_KEY'));
    },
    START_MS,
  );

  it('runs a second instance beside the first, on its own port', async () => {
    const [first, second] = [await start('s3', { instance }), await start('s3', { instance: other })];
    expect(second.pid).not.toBe(first.pid);
    expect(second.folder).not.toBe(first.folder);
    expect([await endpointStatus(first), await endpointStatus(second)]).toEqual([403, 403]);
  });

  it('keeps port, password and data over a restart', async () => {
    const before = await start('s3', { instance });
    await stop('s3', { instance });
    await expect(endpointStatus(before)).rejects.toThrow();
    const after = await start('s3', { instance });
    expect(after.pid).not.toBe(before.pid);
    expect(after.variables).toEqual(before.variables);
  });

  it('starts a server again that was killed', async () => {
    const before = await start('s3', { instance });
    process.kill(before.pid, 'SIGKILL');
    const after = await start('s3', { instance });
    expect(after.pid).not.toBe(before.pid);
    expect(await endpointStatus(after)).toBe(403);
  });

  it('never ends a process that got the pid of a server that is gone', async () => {
    const { folder } = await start('s3', { instance });
    await stop('s3', { instance });
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const file = path.join(folder, 'state.json');
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, 'utf8')), pid: stranger.pid }));
    const lines: string[] = [];
    await stop('s3', { instance, progress: (line) => lines.push(line) });
    expect(lines).toEqual(['not running']);
    const service = await start('s3', { instance });
    expect(service.pid).not.toBe(stranger.pid);
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
    stranger.kill();
    await exits(stranger);
  });

  it('takes over the lock of a process that is gone', async () => {
    const gone = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
    await exits(gone);
    const { folder } = await start('s3', { instance });
    fs.writeFileSync(path.join(folder, 'lock'), String(gone.pid));
    await start('s3', { instance });
    expect(fs.existsSync(path.join(folder, 'lock'))).toBe(false);
  });

  it('is stopped by the last of its users, and not before', async () => {
    const user = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await stop('s3', { instance });
    const service = await start('s3', { instance, userPid: process.pid });
    await start('s3', { instance, userPid: user.pid! });
    await release('s3', process.pid, { instance });
    expect(await endpointStatus(service)).toBe(403);
    user.kill();
    await exits(user);
    await release('s3', process.pid, { instance });
    await expect(endpointStatus(service)).rejects.toThrow();
  });

  it('stays when a person started it, whoever has used it', async () => {
    const service = await start('s3', { instance });
    await start('s3', { instance, userPid: process.pid });
    await release('s3', process.pid, { instance });
    expect(await endpointStatus(service)).toBe(403);
  });

  it('refuses a name of an instance that is no plain word, and a server that it does not know', async () => {
    await expect(start('s3', { instance: '../x' })).rejects.toThrow('--name ../x: lower-case letters');
    await expect(start('redis')).rejects.toThrow('unknown service redis: there are cassandra, kafka, s3');
  });
});
