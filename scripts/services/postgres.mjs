// PostgreSQL from Debian's package, in a folder of its own, for the user `antiphon` with a password made at its first start.
// PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`.
import fs from 'node:fs';
import path from 'node:path';
import { installPackages, missingPackage, pathFolders, programsFolder } from './debian.mjs';
import { runQuietly } from './downloads.mjs';
import { greets } from './greeting.mjs';
import { unprivilegedUser } from './unprivileged.mjs';

const DEBIAN = '/usr/lib/postgresql';
const PACKAGES = ['postgresql'];
const USER = 'antiphon';

function findPrograms() {
  const versions = fs.existsSync(DEBIAN) ? fs.readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => path.join(DEBIAN, version, 'bin')), ...pathFolders()];
  return programsFolder(folders, ['postgres', 'initdb']);
}

/** Begins to connect as the user: that it takes connections it says by asking for the password (R); while it starts it answers an error (E). */
function startup() {
  const parameters = Buffer.from(`user\0${USER}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(196_608, 4); // protocol 3.0
  const isExpected = (answer) => answer.toString('latin1', 0, 1) === 'R';
  return { question: Buffer.concat([head, parameters]), isExpected };
}

async function initialise({ folder, user, secret, installed, progress }) {
  if (fs.existsSync(path.join(folder, 'PG_VERSION'))) return;
  progress('making a database cluster …');
  const passwordFile = path.join(folder, '..', `password-${path.basename(folder)}`);
  fs.writeFileSync(passwordFile, secret, { mode: 0o600 });
  if (user !== undefined) fs.chownSync(passwordFile, user.uid, user.gid);
  const auth = ['--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`];
  const options = { cwd: folder, ...(user && { uid: user.uid, gid: user.gid }) };
  const format = ['--encoding=UTF8', '--locale=C', '--no-instructions'];
  try {
    await runQuietly(path.join(installed, 'initdb'), ['-D', folder, ...auth, ...format], options);
  } finally {
    fs.rmSync(passwordFile);
  }
}

export const postgres = {
  name: 'postgres',
  title: 'PostgreSQL',
  ports: ['sql'],
  missing: () => missingPackage(findPrograms(), PACKAGES),
  user: () => unprivilegedUser('postgres', 'nobody'),
  // Fast shutdown: SIGTERM would wait for clients to leave.
  stopSignal: 'SIGINT',

  async prepare(progress) {
    if (findPrograms() === undefined) await installPackages(PACKAGES, progress);
    return findPrograms();
  },

  async command(context) {
    const { folder, ports, installed } = context;
    await initialise(context);
    const settings = {
      listen_addresses: '127.0.0.1',
      port: ports.sql,
      unix_socket_directories: '',
      max_connections: 200,
      shared_buffers: '128MB',
      max_wal_size: '1GB',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return { command: path.join(installed, 'postgres'), args: ['-D', folder, ...args] };
  },

  isReady: ({ ports }) => greets(ports.sql, startup()),
  variables: ({ ports, secret }) => ({ POSTGRES_URL: `postgres://${USER}:${secret}@127.0.0.1:${ports.sql}/postgres` }),
};
