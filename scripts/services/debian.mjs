// Servers that come as Debian packages: found on the machine, or installed when this is root on a Debian.
import fs from 'node:fs';
import path from 'node:path';
import { downloadsFolder, hasCommand, runQuietly } from './downloads.mjs';
import { withLock } from './lock.mjs';

const mayInstall = () => process.getuid?.() === 0 && hasCommand('apt-get', '--version');

/** The folder of these that has all the programs; undefined when none has. */
export const programsFolder = (folders, programs) =>
  folders.find((folder) => programs.every((program) => fs.existsSync(path.join(folder, program))));

/** The folders that programs are called from. */
export const pathFolders = () => [...(process.env.PATH ?? '').split(':').filter(Boolean), '/usr/sbin', '/usr/bin'];

/** Why its package cannot be had; undefined when it is there or can be installed. */
export const missingPackage = (found, packages) =>
  found !== undefined || mayInstall()
    ? undefined
    : `is not installed: run apt-get install ${packages.join(' ')} as root (or the like of another system)`;

/** Installs packages; their postinst starts no server, for a system in run level 1 starts none. */
export async function installPackages(packages, progress) {
  await withLock(path.join(downloadsFolder(), 'apt.lock'), async () => {
    progress(`installing ${packages.join(' ')} with apt-get …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await runQuietly('apt-get', ['update', '-q'], { env });
    await runQuietly('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  });
}
