/** A call as a curl line; `$URL`, `$KEY` and the like are of the shell that it is pasted into. */
export interface Curl {
  method: string;
  /** Path and query. */
  path: string;
  /** The name of the variable that holds the key; null without. */
  key: string | null;
  headers: Record<string, string>;
  body: object | string | undefined;
}

export function curlLine({ method, path, key, headers, body }: Curl): string {
  const isPlain = method === (body === undefined ? 'GET' : 'POST');
  const data = typeof body === 'string' ? body : JSON.stringify(body ?? {});
  const option = typeof body === 'string' ? '--data-binary' : '-d';
  const parts = [
    `curl${isPlain ? '' : ` -X ${method}`} "$URL${path}"`,
    ...(key === null ? [] : [`-H "authorization: Bearer $${key}"`]),
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    ...(body === undefined ? [] : [`${option} '${data.replaceAll("'", "'\\''")}'`]),
  ];
  return parts.join(' \\\n  ');
}

const WIDTH = 100;

/** JSON with short lists and objects on a line. */
export function jsonText(value: unknown, indent = ''): string {
  const short = spaced(value);
  if (indent.length + short.length <= WIDTH || typeof value !== 'object' || value === null) {
    return short;
  }
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const lines = Object.entries(value).map(([name, part]) => {
    const label = Array.isArray(value) ? '' : `${JSON.stringify(name)}: `;
    return `${inner}${label}${jsonText(part, inner)}`;
  });
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(
    ([name, part]) => `${JSON.stringify(name)}: ${spaced(part)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** A block of code. */
export function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.replace(/\n+$/, '')}\n\`\`\``;
}
