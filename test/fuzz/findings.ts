// What was wrong, each kind of it once, with the first requests that showed it.
import type { Planned } from './generate.ts';

const EXAMPLES_MAX = 3;
const BYTES_SHOWN_MAX = 4000;

export interface Example {
  readonly index: number;
  readonly kind: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** base64 */
  readonly body: string;
}

export interface Finding {
  readonly what: string;
  readonly rpc: string;
  count: number;
  readonly examples: Example[];
}

const withoutIds = (text: string): string =>
  text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>').replace(/\d+/g, 'N');

export class Findings {
  readonly #byKey = new Map<string, Finding>();
  readonly #onNew: (text: string) => void;

  /** `onNew` is told of each kind when it is first seen. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  add(what: string, rpc = '', planned?: Planned): void {
    const key = `${rpc} ${withoutIds(what).slice(0, 160)}`;
    let finding = this.#byKey.get(key);
    if (finding === undefined) {
      finding = { what, rpc, count: 0, examples: [] };
      this.#byKey.set(key, finding);
      this.#onNew(`found: ${rpc} ${planned?.index ?? ''} ${what}`);
    }
    finding.count++;
    if (planned !== undefined && finding.examples.length < EXAMPLES_MAX) finding.examples.push(exampleOf(planned));
  }

  all(): readonly Finding[] {
    return [...this.#byKey.values()].sort((a, b) => b.count - a.count);
  }
}

function exampleOf({ index, kind, method, grpc, http }: Planned): Example {
  const body = Buffer.from(grpc?.body ?? http?.body ?? []);
  return {
    index,
    kind,
    path: grpc?.path ?? http?.path ?? method.path,
    headers: grpc?.headers ?? http?.headers ?? {},
    body: body.subarray(0, BYTES_SHOWN_MAX).toString('base64'),
  };
}
