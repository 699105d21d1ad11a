// PostgreSQL refuses to run as root, and MariaDB should not: started by root, they run as a user without rights, who owns their data.
// Where that user may not enter the checkout (a clone in root's home), their data is in the system's folder for temporary files.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The first of these users that there is, when this is root; undefined otherwise. */
export function unprivilegedUser(...names) {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of names) {
    const account = accounts.find(([user]) => user === name);
    if (account !== undefined) return { name, uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new Error(`there is none of the users ${names.join(', ')} to run a server as, which must not run as root`);
}

const mayEnter = (user, folder) =>
  spawnSync('test', ['-x', folder], { uid: user.uid, gid: user.gid, cwd: '/' }).status === 0;

/** A folder for the data of the server whose own folder this is, made where `user` can use it and given to him. */
export function dataFolder(folder, user) {
  fs.mkdirSync(folder, { recursive: true });
  const inside = path.join(folder, 'data');
  if (user === undefined || mayEnter(user, folder)) {
    fs.mkdirSync(inside, { recursive: true, mode: 0o700 });
    if (user !== undefined) fs.chownSync(inside, user.uid, user.gid);
    return inside;
  }
  const mark = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const outside = path.join(os.tmpdir(), `antiphon-${path.basename(folder)}-${mark}`);
  fs.mkdirSync(outside, { recursive: true, mode: 0o700 });
  fs.chownSync(outside, user.uid, user.gid);
  if (!mayEnter(user, outside)) {
    throw new Error(`the user ${user.name} can enter neither ${folder} nor ${outside}: put TMPDIR where he can`);
  }
  return outside;
}
