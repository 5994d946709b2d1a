import { isObject } from './json.ts';

const FORM = /^(?:\/(?:[^~/]|~[01])*)*$/;
const INDEX = /^(?:0|[1-9]\d{0,15})$/;

/** `["messages", 0, "role"]` → `/messages/0/role` (RFC 6901). */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The reference tokens of a JSON Pointer, unescaped (RFC 6901, 3 and 4); null for a text that is none. */
export function parsePointer(text: string): string[] | null {
  if (!FORM.test(text)) return null;
  return text
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What a pointer finds: own members and existing items only, never what an object inherits. */
export function valueAt(document: unknown, path: readonly string[]): { value: unknown } | null {
  let value = document;
  for (const token of path) {
    if (Array.isArray(value)) {
      const items: unknown[] = value;
      if (!INDEX.test(token) || Number(token) >= items.length) return null;
      value = items[Number(token)];
    } else if (isObject(value) && Object.hasOwn(value, token)) {
      value = value[token];
    } else {
      return null;
    }
  }
  return { value };
}

/**
 * A copy of a document with a value put where a pointer leads. Parents that are missing are made as objects; an item of
 * a list can be replaced, not added.
 * @returns null where a parent is neither an object nor a list with such an item
 */
export function withValueAt(
  document: unknown,
  path: readonly string[],
  value: unknown,
): { document: unknown } | null {
  const [token, ...rest] = path;
  if (token === undefined) return { document: value };
  if (Array.isArray(document)) {
    const items: unknown[] = document;
    if (!INDEX.test(token) || Number(token) >= items.length) return null;
    const item = withValueAt(items[Number(token)], rest, value);
    return item && { document: items.with(Number(token), item.document) };
  }
  const parent = document === undefined ? {} : document;
  if (!isObject(parent)) return null;
  const member = withValueAt(Object.hasOwn(parent, token) ? parent[token] : undefined, rest, value);
  // A computed key makes an own member of any name, `__proto__` too.
  return member && { document: { ...parent, [token]: member.document } };
}
