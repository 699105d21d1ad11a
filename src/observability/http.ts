// The operator's HTTP listener: /metrics for Prometheus, /health for probes.
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { PrometheusMetrics } from './metrics.ts';

export interface MetricsServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Certificates that may be renewed while they are served. */
export interface ListenerCertificates {
  readonly files: {
    current(): SecureContextOptions;
    onChange(listener: (context: SecureContextOptions) => void): () => void;
  };
  readonly requireClientAuth: boolean;
}

export function serveMetrics(options: {
  address: string;
  metrics: PrometheusMetrics;
  isHealthy: () => boolean;
  tls?: ListenerCertificates | undefined;
}): Promise<MetricsServer> {
  const separator = options.address.lastIndexOf(':');
  const host = options.address.slice(0, separator).replace(/^\[|\]$/g, '');
  const port = Number(options.address.slice(separator + 1));
  const serve: http.RequestListener = (request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET') {
      response.writeHead(405, { allow: 'GET' }).end('Only GET is served here.\n');
    } else if (path === '/metrics') {
      options.metrics.render().then(
        ({ contentType, body }) => response.writeHead(200, { 'content-type': contentType }).end(body),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
    } else if (path === '/health') {
      const healthy = options.isHealthy();
      response.writeHead(healthy ? 200 : 503).end(healthy ? 'ok\n' : 'not serving\n');
    } else {
      response.writeHead(404).end('Served here: /metrics, /health\n');
    }
  };
  const server = createServer(options.tls, serve);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const bound = server.address() as AddressInfo;
      resolve({
        address: `${host}:${bound.port}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function createServer(tls: ListenerCertificates | undefined, serve: http.RequestListener): http.Server | https.Server {
  if (tls === undefined) return http.createServer(serve);
  const { files, requireClientAuth } = tls;
  const verification = { requestCert: requireClientAuth, rejectUnauthorized: requireClientAuth };
  const server = https.createServer({ ...files.current(), ...verification }, serve);
  const stop = files.onChange((context) => server.setSecureContext(context));
  server.once('close', stop);
  return server;
}
