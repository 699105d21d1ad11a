// MariaDB from Debian's package, in a folder of its own, for the user `antiphon` with a password made at its first start. Started by root it
// runs as `mysql`, or as `nobody`.
import fs from 'node:fs';
import path from 'node:path';
import { installPackages, missingPackage, pathFolders, programsFolder } from './debian.mjs';
import { runQuietly } from './downloads.mjs';
import { greets } from './greeting.mjs';
import { unprivilegedUser } from './unprivileged.mjs';

// The programs without the service of the system, which the package mariadb-server would make.
const PACKAGES = ['mariadb-server-core', 'mariadb-client-core'];
const USER = 'antiphon';

const findServer = () => programsFolder(pathFolders(), ['mariadbd']);
const findInstaller = () => programsFolder(pathFolders(), ['mariadb-install-db', 'my_print_defaults']);
const findPrograms = () => (findInstaller() === undefined ? undefined : findServer());

// It begins, and greets whom it would let in with protocol 10; an error (too many, not allowed) begins otherwise.
const HANDSHAKE = { isExpected: (answer) => answer[4] === 10 };

async function initialise({ folder, user, secret, progress }) {
  const data = path.join(folder, 'db');
  if (!fs.existsSync(path.join(data, 'mysql'))) {
    progress('making a database folder …');
    fs.mkdirSync(data, { recursive: true, mode: 0o700 });
    if (user !== undefined) fs.chownSync(data, user.uid, user.gid);
    const args = ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'];
    const options = { cwd: folder, ...(user && { uid: user.uid, gid: user.gid }) };
    await runQuietly(path.join(findInstaller(), 'mariadb-install-db'), args, options);
  }
  const setup = path.join(folder, 'setup.sql');
  const statements = [
    `CREATE USER IF NOT EXISTS '${USER}'@'%' IDENTIFIED BY '${secret}';`,
    `GRANT ALL PRIVILEGES ON *.* TO '${USER}'@'%' WITH GRANT OPTION;`,
    // Nobody but the user above; the server's own user of the installation had no password.
    `ALTER USER 'root'@'localhost' ACCOUNT LOCK;`,
    'CREATE DATABASE IF NOT EXISTS antiphon;',
  ];
  fs.writeFileSync(setup, `${statements.join('\n')}\n`, { mode: 0o600 });
  if (user !== undefined) fs.chownSync(setup, user.uid, user.gid);
  return { data, setup };
}

export const mariadb = {
  name: 'mariadb',
  title: 'MariaDB',
  ports: ['sql'],
  missing: () => missingPackage(findPrograms(), PACKAGES),
  user: () => unprivilegedUser('mysql', 'nobody'),

  async prepare(progress) {
    if (findPrograms() === undefined) await installPackages(PACKAGES, progress);
    return findPrograms();
  },

  async command(context) {
    const { ports, installed } = context;
    const { data, setup } = await initialise(context);
    const args = [
      '--no-defaults',
      `--datadir=${data}`,
      `--init-file=${setup}`,
      ...['--bind-address=127.0.0.1', `--port=${ports.sql}`, '--skip-name-resolve'],
      // Relative to the data: the path of a socket may not be long.
      ...['--socket=mariadb.sock', `--pid-file=${data}/mariadb.pid`],
      ...['--max-connections=200', '--innodb-buffer-pool-size=128M', '--max-allowed-packet=64M'],
      ...['--character-set-server=utf8mb4', '--performance-schema=OFF'],
    ];
    return { command: path.join(installed, 'mariadbd'), args };
  },

  isReady: ({ ports }) => greets(ports.sql, HANDSHAKE),
  variables: ({ ports, secret }) => ({ MARIADB_URL: `mysql://${USER}:${secret}@127.0.0.1:${ports.sql}/antiphon` }),
};
