// A page for the person who opens the address in a browser: what is served here. No script; its one style is allowed by its hash.
import { createHash } from 'node:crypto';
import type { ApiSchema } from './api-schema.ts';
import type { RestRoute } from './rest/rest-route.ts';

export interface HomePage {
  /** @param address as curl takes it: host and port, after the scheme where it is https. */
  html(address: string): string;
  readonly contentSecurityPolicy: string;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { padding: 1rem; overflow-x: auto; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; } td { padding: 2px 1rem 2px 0; vertical-align: top; }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

// Stands for the address that the page was asked at.
const ADDRESS = '{address}';

const EXAMPLE = `curl -s ${ADDRESS}/api/v1/domains/default/workflows \\
  -H 'content-type: application/json' \\
  -d '{"workflowType": "Order", "taskList": "orders", "input": {"id": 1}}'`;

export function renderHomePage(schema: ApiSchema, aliases: readonly RestRoute[], version: string): HomePage {
  const services = [...new Set(schema.methods.map(({ service }) => service))];
  const rpcs = services.map((service) => {
    const rows = schema.methods
      .filter((method) => method.service === service)
      .map(({ route, descriptor }) => row('POST', route, schema.comments.of(descriptor.proto)));
    return `<h2>${service}</h2>\n<table>\n${rows.join('\n')}\n</table>`;
  });
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Antiphon: HTTP API</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Antiphon ${escaped(version)}</h1>
<p>Cadence's API over HTTP. The whole of it, with every message, is in <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<pre>${escaped(EXAMPLE)}</pre>
<h2>Workflows, with plain JSON</h2>
<table>
${aliases.map(({ method, path, summary }) => row(method, path, summary)).join('\n')}
</table>
${rpcs.join('\n')}
</body>
</html>
`;
  const contentSecurityPolicy =
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return { html: (address) => html.replace(ADDRESS, () => escaped(address)), contentSecurityPolicy };
}

const row = (method: string, path: string, text: string): string =>
  `<tr><td><code>${method}</code></td><td><code>${escaped(path)}</code></td><td>${escaped(text)}</td></tr>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
