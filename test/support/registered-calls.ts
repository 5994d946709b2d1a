import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/**
 * The calls that an app registers, read from its sources: each `.route('/prefix', name)`, and the calls in the file that
 * the name comes from. What a parameter has to look like is left out.
 * @param appFile path below `src/`
 */
export function callsIn(appFile: string): string[] {
  const source = readFileSync(join(SRC, appFile), 'utf8');
  const importOf = (name: string) => {
    const path = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '([^']+)'`).exec(
      source,
    )?.[1];
    assert.ok(path, `${appFile} imports ${name}`);
    return readFileSync(join(SRC, dirname(appFile), path), 'utf8');
  };
  return [...source.matchAll(/\.route\(\s*('[^']*'|\w+),\s*(\w+)/g)].flatMap(
    ([, prefix = '', name = '']) => {
      const base = prefix.startsWith("'")
        ? prefix.slice(1, -1)
        : new RegExp(`\\b${prefix} = '([^']*)'`).exec(importOf(prefix))?.[1];
      const [, routes = ''] = importOf(name).split(`export const ${name} =`);
      const own = routes.split(/^export /m)[0] ?? '';
      return [...own.matchAll(/\.(get|post|put|patch|delete|all)\(\s*'(\/[^']*)'/g)].map(
        ([, method = '', path = '']) =>
          `${method.toUpperCase()} ${base}${path === '/' ? '' : path.replace(/\{[^}]*\}/, '')}`,
      );
    },
  );
}
