// Paths to handlers: the RPCs by their exact path, the REST aliases by patterns of segments. A path that exists with another method is told
// apart from one that does not.
import { badRequest } from '#base';
import { methodNotAllowed, notFound } from './http-error.ts';

export interface Route<H> {
  readonly method: 'GET' | 'POST';
  /** `/api/v1/domains/{domain}/workflows`. */
  readonly path: string;
  readonly handler: H;
}

export interface Match<H> {
  readonly handler: H;
  readonly params: Readonly<Record<string, string>>;
}

export interface Router<H> {
  /** The methods of a path; none: there is no such path. */
  allowed(path: string): readonly string[];
  /** @throws HttpError 404 or 405; BadRequest for a segment that is not percent-encoded UTF-8. */
  match(method: string, path: string): Match<H>;
}

export function createRouter<H>(routes: readonly Route<H>[]): Router<H> {
  const exact = new Map<string, Route<H>[]>();
  const patterns: { segments: readonly string[]; route: Route<H> }[] = [];
  for (const route of routes) {
    if (route.path.includes('{')) patterns.push({ segments: route.path.split('/'), route });
    else exact.set(route.path, [...(exact.get(route.path) ?? []), route]);
  }
  const candidates = (path: string): readonly Route<H>[] => {
    const found = exact.get(path);
    if (found !== undefined) return found;
    const segments = path.split('/');
    return patterns.filter((pattern) => fits(pattern.segments, segments)).map(({ route }) => route);
  };
  const allowed = (path: string): readonly string[] => {
    const methods = new Set<string>(candidates(path).map(({ method }) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  };
  return {
    allowed,
    match(method, path) {
      const wanted = method === 'HEAD' ? 'GET' : method;
      const found = candidates(path);
      const route = found.find((each) => each.method === wanted);
      if (route !== undefined) return { handler: route.handler, params: paramsOf(route.path, path) };
      throw found.length === 0 ? notFound(path) : methodNotAllowed(method, allowed(path));
    },
  };
}

const isParameter = (segment: string): boolean => segment.startsWith('{');

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => (isParameter(part) ? segments[index] !== '' : part === segments[index]));
}

function paramsOf(pattern: string, path: string): Readonly<Record<string, string>> {
  if (!pattern.includes('{')) return {};
  const segments = path.split('/');
  const params: Record<string, string> = {};
  pattern.split('/').forEach((part, index) => {
    if (isParameter(part)) params[part.slice(1, -1)] = decoded(segments[index] ?? '');
  });
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw badRequest(`The path segment ${JSON.stringify(segment.slice(0, 100))} is not valid percent-encoding.`, {
      cause,
    });
  }
}
