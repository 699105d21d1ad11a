// The requests of somebody who may read one domain and sends all others too, at a server that asks who calls: nothing of another domain is in
// any answer, and nothing of any domain has changed afterwards.
import { openApi } from '../bench/api.ts';
import { createSigningKey } from '../support/security/tokens.ts';
import { change, endOf } from './end-of-server.ts';
import type { Findings } from './findings.ts';
import { SECRET } from './judge.ts';
import { Pool } from './pool.ts';
import { FUZZED_DOMAINS, fillDomain, prepareDomains, readDomain, SANCTUARY } from './prepare.ts';
import type { FuzzOptions } from './run-fuzz.ts';
import { type Sent, sendRequests } from './send-requests.ts';
import { startTarget } from './target.ts';

const [OWN = '', OTHER = ''] = FUZZED_DOMAINS;
const OWN_WORD = 'open-to-me';
const TTL_SECONDS = 3000;

export async function fuzzSecured(options: FuzzOptions, file: string, findings: Findings): Promise<Sent> {
  const key = await createSigningKey();
  const target = await startTarget({ file, publicKey: key.publicFile });
  const admin = await key.token({ subject: 'root', admin: true, ttlSeconds: TTL_SECONDS });
  const reader = await key.token({ subject: 'reader', groups: [`read-${OWN}`], ttlSeconds: TTL_SECONDS });
  const api = openApi(target.address, admin);
  // The domain of others may be named here: its name is known, what it holds is not.
  const pool = new Pool([OWN, OWN, SANCTUARY]);
  await prepareDomains(api, pool, (domain) => ({
    READ_GROUPS: `read-${domain}`,
    WRITE_GROUPS: `write-${domain}`,
    PROCESS_GROUPS: `process-${domain}`,
    ...(domain === SANCTUARY && { note: SECRET }),
  }));
  await fillDomain(api, OWN, OWN_WORD);
  await fillDomain(api, OTHER, OTHER);
  const read = async (): Promise<readonly string[]> => [
    await readDomain(api, OWN, OWN_WORD),
    await readDomain(api, OTHER, OTHER),
    await readDomain(api, SANCTUARY, SECRET),
  ];
  const before = await read();
  const sent = await sendRequests(target, pool, findings, {
    ...options,
    headers: { 'cadence-authorization': reader },
    onProgress: () => {},
  });
  if (target.exit() === undefined) {
    const now = await read();
    now.forEach((text, index) => {
      const was = before[index] ?? '';
      if (text !== was) findings.add(`a reader changed what he may not: ${change(was, text)}`, 'tenants');
    });
  }
  api.close();
  await endOf(target, findings);
  key.remove();
  return sent;
}
