// The part of Jinja2 that the instructions of a judge may use: `{{ variable }}`, `{{ properties.key }}`,
// `{% if [not] variable %} … {% else %} … {% endif %}`, `{# comment #}` and `-` to drop the white space beside a tag.
// As in Jinja2, `}}` without an opening is text, so that JSON may be quoted.

/** Names that a template may use; `properties` has parts of any name. */
export const JUDGE_VARIABLES = [
  'conversation_history',
  'user_message',
  'assistant_message',
  'system_prompt',
  'available_tools',
  'answer_type_definition',
  'properties',
] as const;

export type JudgeVariable = (typeof JUDGE_VARIABLES)[number];

export type TemplateFailureCode = 'TEMPLATE_ERROR' | 'TEMPLATE_SYNTAX_ERROR';

export interface TemplateFailure {
  ok: false;
  code: TemplateFailureCode;
  message: string;
}

/** `properties.a.b` as `{root: 'properties', keys: ['a', 'b']}`. */
interface Path {
  root: JudgeVariable;
  keys: string[];
  written: string;
}

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; path: Path }
  | { kind: 'if'; path: Path; negated: boolean; whenTrue: Node[]; whenFalse: Node[] };

/** A template that was read; `used` are the variables whose value it shows, whatever its conditions come to. */
export interface Template {
  nodes: Node[];
  used: ReadonlySet<JudgeVariable>;
}

/** Reads a template: its form and the names in it, before there is anything to fill in. */
export function parseTemplate(text: string): { ok: true; template: Template } | TemplateFailure {
  const nodes: Node[] = [];
  const used = new Set<JudgeVariable>();
  const open: { node: Extract<Node, { kind: 'if' }>; inElse: boolean; outer: Node[] }[] = [];
  let into = nodes;
  for (const token of tokensOf(text)) {
    if (token.kind === 'unclosed') return syntaxError(`"${token.text}" is not closed`);
    if (token.kind === 'text') {
      into.push(token);
    } else if (token.kind === 'value') {
      const path = pathOf(token.text);
      if (!path.ok) return path;
      used.add(path.path.root);
      into.push({ kind: 'value', path: path.path });
    } else {
      const [word = '', ...rest] = token.text.split(/\s+/);
      const current = open.at(-1);
      if (word === 'if') {
        const negated = rest[0] === 'not';
        const path = pathOf(rest.slice(negated ? 1 : 0).join(' '));
        if (!path.ok) return path;
        const node = { kind: 'if' as const, path: path.path, negated, whenTrue: [], whenFalse: [] };
        into.push(node);
        open.push({ node, inElse: false, outer: into });
        into = node.whenTrue;
      } else if (token.text === 'else' && current !== undefined && !current.inElse) {
        current.inElse = true;
        into = current.node.whenFalse;
      } else if (token.text === 'endif' && current !== undefined) {
        open.pop();
        into = current.outer;
      } else {
        const known = word === 'else' || word === 'endif';
        return syntaxError(
          known
            ? `"{% ${token.text} %}" has no "{% if … %}"`
            : `"{% ${token.text.slice(0, 40)} %}" is none of if, else and endif`,
        );
      }
    }
  }
  return open.length > 0
    ? syntaxError('"{% if … %}" has no "{% endif %}"')
    : { ok: true, template: { nodes, used } };
}

/** Longest text that a template may become, in UTF-16 units: more than any model reads. */
const MAX_RENDERED = 4_000_000;

/** Fills a template. What is filled in is text: braces in it mean nothing. */
export function renderTemplate(
  { nodes }: Template,
  values: Readonly<Record<JudgeVariable, unknown>>,
): { ok: true; text: string } | TemplateFailure {
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'text') {
      text += node.text;
    } else if (node.kind === 'value') {
      const value = lookUp(values, node.path);
      const shown = value === undefined ? undefined : asText(value);
      if (shown === undefined) {
        return valueError(`The conversation has no value for "${node.path.written.slice(0, 80)}".`);
      }
      text += shown;
    } else {
      const holds = isTruthy(lookUp(values, node.path)) !== node.negated;
      const branch = { nodes: holds ? node.whenTrue : node.whenFalse, used: new Set<never>() };
      const part = renderTemplate(branch, values);
      if (!part.ok) return part;
      text += part.text;
    }
    // A short template can show a long message many times.
    if (text.length > MAX_RENDERED) {
      return valueError(`The instructions, filled in, exceed ${MAX_RENDERED} characters.`);
    }
  }
  return { ok: true, text };
}

type Token =
  | { kind: 'text'; text: string }
  | { kind: 'value'; text: string }
  | { kind: 'tag'; text: string }
  | { kind: 'unclosed'; text: string };

const CLOSING = { '{{': '}}', '{%': '%}', '{#': '#}' } as const;
type Opening = keyof typeof CLOSING;

function* tokensOf(text: string): Generator<Token> {
  let at = 0;
  let trimNext = false;
  const plain = (end: number, trimEnd: boolean): Token => {
    let part = text.slice(at, end);
    if (trimNext) part = part.trimStart();
    return { kind: 'text', text: trimEnd ? part.trimEnd() : part };
  };
  for (;;) {
    const found = /\{[{%#]/g;
    found.lastIndex = at;
    const match = found.exec(text);
    if (match === null) {
      yield plain(text.length, false);
      return;
    }
    const opening = match[0] as Opening;
    const end = text.indexOf(CLOSING[opening], match.index + 2);
    if (end === -1) {
      yield { kind: 'unclosed', text: opening };
      return;
    }
    const inner = text.slice(match.index + 2, end);
    yield plain(match.index, inner.startsWith('-'));
    trimNext = inner.length > 1 && inner.endsWith('-');
    at = end + 2;
    if (opening === '{#') continue;
    const content = inner.slice(inner.startsWith('-') ? 1 : 0, trimNext ? -1 : undefined).trim();
    yield { kind: opening === '{{' ? 'value' : 'tag', text: content };
  }
}

const STEP = /\.([\p{L}\p{N}_-]+)|\[\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*\]/uy;

function pathOf(written: string): { ok: true; path: Path } | TemplateFailure {
  const name = /^[A-Za-z_]\w*/.exec(written)?.[0] ?? '';
  const keys: string[] = [];
  STEP.lastIndex = name.length;
  let end = name.length;
  while (end < written.length) {
    const step = STEP.exec(written);
    if (step === null) break;
    keys.push(step[1] ?? step[2] ?? step[3] ?? step[4] ?? '');
    end = STEP.lastIndex;
  }
  STEP.lastIndex = 0;
  if (name === '' || end < written.length) {
    const shown = written.slice(0, 40);
    return syntaxError(`"${shown}" is not the name of a variable, such as properties.expected`);
  }
  const root = JUDGE_VARIABLES.find((variable) => variable === name);
  if (root === undefined || (root !== 'properties' && keys.length > 0)) {
    const known = JUDGE_VARIABLES.map((one) => (one === 'properties' ? 'properties.*' : one));
    const message = `The variable "${written.slice(0, 80)}" is unknown; there are ${known.join(', ')}.`;
    return valueError(message);
  }
  return { ok: true, path: { root, keys, written } };
}

function lookUp(values: Readonly<Record<JudgeVariable, unknown>>, { root, keys }: Path): unknown {
  let value: unknown = values[root];
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** What Python takes for true, as Jinja2 does. */
function isTruthy(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    return (Array.isArray(value) ? value : Object.keys(value)).length > 0;
  }
  return Boolean(value);
}

/** Undefined for what cannot be written as JSON: it is nested too deeply. */
function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function valueError(message: string): TemplateFailure {
  return { ok: false, code: 'TEMPLATE_ERROR', message };
}

function syntaxError(what: string): TemplateFailure {
  return {
    ok: false,
    code: 'TEMPLATE_SYNTAX_ERROR',
    message: `In the judge's instructions, ${what}.`,
  };
}
