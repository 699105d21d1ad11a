// Rewrites positions in the bundled workflows to those in their sources, for stacks that people read.
import { SourceMap, type SourceMapPayload } from 'node:module';

/** Name of the user's script in stacks. */
export const USER_SCRIPT = 'workflows.js';
const POSITION = /workflows\.js:(\d+):(\d+)/g;

export type PositionMapper = (text: string) => string;

export function createPositionMapper(sourceMap: string | undefined): PositionMapper {
  if (sourceMap === undefined) return (text) => text;
  const map = new SourceMap(JSON.parse(sourceMap) as SourceMapPayload);
  return (text) =>
    text.replace(POSITION, (position, line: string, column: string) => {
      const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
      return 'originalSource' in entry
        ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
        : position;
    });
}
