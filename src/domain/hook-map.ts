import type * as z from 'zod/mini';
import type { FailureDetail } from './failures.ts';
import type { HookMap } from './hook.ts';
import { importBody, type ImportBody } from './import-body.ts';
import { check, detailsOf } from './issue-details.ts';
import type { JsonObject } from './json.ts';
import { jsonPointer, parsePointer, valueAt, withValueAt } from './json-pointer.ts';

/** Names that reach what an object inherits, in code that is careless with them. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

interface Target {
  pointer: string;
  path: string[];
}

/** What a call's import comes to, or the mistakes: each with its pointer, into the incoming JSON or the import. */
export type FilledImport =
  | { ok: true; body: ImportBody }
  | { ok: false; reason: 'not_found_in_body' | 'invalid_import'; details: FailureDetail[] };

/**
 * Puts the values of the incoming JSON into the import of a hook, and checks what that gives.
 * @param template as {@link templateMistakes} found it in order, together with `map`
 */
export function fillImport(template: JsonObject, map: HookMap, incoming: unknown): FilledImport {
  const missing: FailureDetail[] = [];
  const unfit: FailureDetail[] = [];
  let filled: unknown = template;
  for (const { pointer, path } of targetsOf(map)) {
    const source = map[pointer] ?? '';
    const found = valueAt(incoming, parsePointer(source) ?? []);
    if (found === null) {
      const message = `The body has nothing at ${source}, which the map copies to ${pointer}.`;
      missing.push({ path: source, message });
      continue;
    }
    const next = withValueAt(filled, path, found.value);
    if (next === null) unfit.push({ path: pointer, message: NO_PARENT });
    else filled = next.document;
  }
  if (missing.length > 0) return { ok: false, reason: 'not_found_in_body', details: missing };
  if (unfit.length > 0) return { ok: false, reason: 'invalid_import', details: unfit };
  const parsed = check(importBody, filled);
  if (parsed.success) return { ok: true, body: parsed.data };
  return { ok: false, reason: 'invalid_import', details: detailsOf(parsed.error.issues) };
}

/**
 * What is wrong with the import of a hook, as far as its calls cannot mend it, and with its map. Paths start with
 * `/import` and `/map`.
 */
export function templateMistakes(template: JsonObject, map: HookMap): FailureDetail[] {
  const mistaken = Object.entries(map).flatMap(([target, source]) =>
    pointerMistakes(target, source).map((message) => atTarget(target, message)),
  );
  if (mistaken.length > 0) return mistaken;
  const targets = targetsOf(map);
  const unfit = targets.filter(({ path }) => withValueAt(template, path, null) === null);
  if (unfit.length > 0) return unfit.map(({ pointer }) => atTarget(pointer, NO_PARENT));
  return detailsWith(template, targets, issuesWith(template, targets));
}

/** Whether a map writes the field that a pointer names, or a part of it, or what it is a part of. */
export function touches(map: HookMap, pointer: string): boolean {
  const path = parsePointer(pointer) ?? [];
  return targetsOf(map).some(
    (target) => startsWith(target.path, path) || startsWith(path, target.path),
  );
}

/** Parents come before their children, so that a child is not written over. */
function targetsOf(map: HookMap): Target[] {
  return Object.keys(map)
    .map((pointer) => ({ pointer, path: parsePointer(pointer) ?? [] }))
    .toSorted((left, right) => left.path.length - right.path.length);
}

function pointerMistakes(target: string, source: string): string[] {
  const path = parsePointer(target);
  const mistakes: string[] = [];
  if (path === null) mistakes.push(`The target ${target} ${NO_POINTER}`);
  else if (path.length === 0) mistakes.push('The target has to name a field of the import.');
  else if (path.includes('-')) mistakes.push(`The target ${target} cannot end in a list’s “-”.`);
  else if (path.some((token) => FORBIDDEN.has(token))) {
    mistakes.push(`The target ${target} is not a field of an import.`);
  }
  const from = parsePointer(source);
  if (from === null) mistakes.push(`The source ${source} ${NO_POINTER}`);
  else if (from.includes('-'))
    mistakes.push(`The source ${source} names no value: “-” never does.`);
  return mistakes;
}

const NO_POINTER =
  'is not a JSON Pointer (RFC 6901): it starts with “/”, and “~” is written ~0, “/” in a name ~1.';
const NO_PARENT =
  'The target is inside of something that is neither an object nor has such an item.';

/**
 * The mistakes that are left when something is at every target. Of what kind that has to be is told by the schema, so
 * that rules over several fields are looked at too.
 */
function issuesWith(template: JsonObject, targets: readonly Target[]): readonly z.core.$ZodIssue[] {
  const samples = new Map<string, unknown>(targets.map(({ pointer }) => [pointer, 'x']));
  for (;;) {
    const filled = targets.reduce<unknown>(
      (document, { pointer, path }) =>
        withValueAt(document, path, samples.get(pointer))?.document ?? document,
      template,
    );
    const issues = check(importBody, filled).error?.issues ?? [];
    const wanted = issues.flatMap((issue) => {
      const pointer = jsonPointer(issue.path);
      if (issue.code !== 'invalid_type' || samples.get(pointer) !== 'x') return [];
      return [[pointer, issue.expected === 'array' ? ['x'] : {}] as const];
    });
    if (wanted.length === 0) return issues;
    for (const [pointer, sample] of wanted) samples.set(pointer, sample);
  }
}

function detailsWith(
  template: JsonObject,
  targets: readonly Target[],
  issues: readonly z.core.$ZodIssue[],
): FailureDetail[] {
  return detailsOf(issues).flatMap(({ path: pointer, message }) => {
    const path = parsePointer(pointer) ?? [];
    const decides = targets.some((target) => startsWith(path, target.path));
    const isUnknown = message.startsWith('Unknown field');
    if (decides && !isUnknown) return [];
    const at = targets.find((target) => startsWith(target.path, path));
    if (isUnknown && at !== undefined && valueAt(template, path) === null) {
      return [atTarget(at.pointer, `An import has no field ${pointer}.`)];
    }
    return [
      { path: `/import${pointer}`, message: pointer === '/incremental' ? NO_WATERMARK : message },
    ];
  });
}

const NO_WATERMARK = 'Unknown field: only the import of a schedule can be incremental';

function atTarget(target: string, message: string): FailureDetail {
  return { path: jsonPointer(['map', target]), message };
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((token, at) => path[at] === token);
}
