// admin domain getdomainidorname: the id of a name, the name of an id.
import { DescribeDomainRequest } from '@antiphon/proto';
import type { Command } from 'commander';
import { usageError } from '../../failure.ts';
import { addCommand } from '../../spec/command.ts';
import { text } from '../../spec/flags.ts';
import { NAME_FLAG } from '../domain-flags.ts';

export function addDomainNameCommand(domain: Command): void {
  addCommand(domain, {
    name: 'getdomainidorname',
    aliases: ['getdn'],
    summary: 'the id of a domain name, or the name of an id',
    flags: { name: NAME_FLAG, domainId: text('domain-id', 'the id', 'id') },
    positional: ['name'],
    async run({ flags, context, connection }) {
      const name = flags.name ?? context.givenDomain;
      if ((name === undefined) === (flags.domainId === undefined)) {
        throw usageError('give either a name (--domain) or --domain-id');
      }
      const { domain: found } = await connection.domain.describeDomain(
        DescribeDomainRequest.fromPartial({
          describeBy:
            flags.domainId === undefined
              ? { $case: 'name', value: name ?? '' }
              : { $case: 'id', value: flags.domainId },
        }),
      );
      const text = flags.domainId === undefined ? found?.id : found?.name;
      context.output.line(text ?? '', { id: found?.id, name: found?.name });
    },
  });
}
