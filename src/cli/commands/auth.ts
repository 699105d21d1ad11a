// auth keygen|token|cert: what a first secured server needs, made on this machine. No server is asked.
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { makeCertificate, makeKeyPair, signTokenWithFile } from '#auth';
import { CliError, usageError } from '../failure.ts';
import { addCommand, addGroup } from '../spec/command.ts';
import { duration, list, on, oneOf, or, required, text, whole } from '../spec/flags.ts';

export function addAuthCommands(program: Command): void {
  const auth = addGroup(program, { name: 'auth', summary: 'keys, tokens and certificates for a secured server' });
  addKeygen(auth);
  addToken(auth);
  addCert(auth);
}

function addKeygen(auth: Command): void {
  addCommand(auth, {
    name: 'keygen',
    summary: 'a key pair for tokens',
    details:
      'The private key makes tokens, and whoever has it is everybody: keep it where tokens are made. Servers need the public one.',
    examples: ['auth keygen', 'auth keygen --out /etc/antiphon --algorithm ES256'],
    flags: {
      out: or(text('out', 'folder for private.pem and public.pem', 'folder'), '.'),
      algorithm: or(
        oneOf('algorithm alg', "RS256 is what Cadence's clients and CLI sign with", ['RS256', 'ES256']),
        'RS256',
      ),
      force: on('force', 'replace keys that are there: their tokens then count no more'),
    },
    positional: ['out'],
    async run({ flags, context }) {
      const folder = flags.out ?? '.';
      const files = { privateKey: path.join(folder, 'private.pem'), publicKey: path.join(folder, 'public.pem') };
      if (fs.existsSync(files.privateKey) && !flags.force) {
        throw usageError(`${files.privateKey} is there already`, 'Another folder: --out. Replacing it: --force.');
      }
      const { privatePem, publicPem } = await makeKeyPair(flags.algorithm ?? 'RS256');
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      fs.rmSync(files.privateKey, { force: true });
      fs.writeFileSync(files.privateKey, privatePem, { mode: 0o600 });
      fs.writeFileSync(files.publicKey, publicPem, { mode: 0o644 });
      context.output.done(`made ${files.privateKey} and ${files.publicKey}`, files);
    },
  });
}

const TTL_SECONDS = 3600;

function addToken(auth: Command): void {
  addCommand(auth, {
    name: 'token',
    summary: 'a token, signed with the private key',
    details:
      'It is printed alone, for a file or a variable. Which groups may do what, a domain says: domain register --domain-data.',
    examples: [
      'auth token --sub payments-worker --groups payments-workers --ttl 24h',
      'export ANTIPHON_JWT=$(antiphon auth token --sub ann --admin)',
    ],
    flags: {
      sub: required(text('sub subject name', 'who the token stands for: in logs and the audit', 'name')),
      groups: list('groups group', 'its groups', 'a,b'),
      admin: on('admin', 'may do everything'),
      ttl: or(duration('ttl', 'how long it counts'), TTL_SECONDS),
      key: or(text('key private-key', 'private key (auth keygen)', 'file'), 'private.pem'),
    },
    async run({ flags, context }) {
      const { sub: subject, groups, admin } = flags;
      const ttlSeconds = flags.ttl ?? TTL_SECONDS;
      if (ttlSeconds < 1) throw usageError('--ttl must be at least one second');
      if (groups.length === 0 && !admin) {
        context.output.note('The token has no group and is no admin: it may only ask what every known caller may.');
      }
      try {
        const token = await signTokenWithFile(flags.key ?? '', { subject, groups, admin, ttlSeconds }, Date.now());
        context.output.line(token, { token, subject, groups, admin, ttlSeconds });
      } catch (error) {
        throw new CliError((error as Error).message, { hint: 'Make a key with: antiphon auth keygen', cause: error });
      }
    },
  });
}

const CERTIFICATE_DAYS = 365;

function addCert(auth: Command): void {
  addCommand(auth, {
    name: 'cert',
    summary: 'a certificate, signed by a private authority that is made when it is missing',
    details:
      'Needs the program openssl. With --host it is for a server, without it for a client (mTLS). A server takes a replaced one at once.',
    examples: ['auth cert server --host localhost,127.0.0.1 --out tls', 'auth cert payments-worker --out tls'],
    flags: {
      name: required(text('name', 'of the files, and of the client in its certificate', 'name')),
      hosts: list('host hosts', 'names and addresses that a server has', 'a,b'),
      out: or(text('out', 'folder for NAME.pem, NAME.key, and the authority ca.pem, ca.key', 'folder'), '.'),
      days: or(whole('days', 'how long it counts'), CERTIFICATE_DAYS),
    },
    positional: ['name'],
    async run({ flags, context }) {
      const days = flags.days ?? CERTIFICATE_DAYS;
      if (days < 1 || days > 3650) throw usageError('--days must be 1 to 3650');
      const folder = flags.out ?? '.';
      try {
        const made = await makeCertificate(folder, { name: flags.name, hosts: flags.hosts, days });
        const files = { ...made, caFile: path.join(folder, 'ca.pem') };
        context.output.done(`made ${files.certFile} and ${files.keyFile}, signed by ${files.caFile}`, files);
      } catch (error) {
        throw new CliError((error as Error).message, { cause: error });
      }
    },
  });
}
