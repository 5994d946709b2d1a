import { MISTAKES, ROUTES } from '../routes.ts';
import type { Documented } from './document.ts';
import { MAX_BODY_BYTES } from './world.ts';

/** A request to an operation, besides its path and key, which are in order. */
export interface ApiCall {
  what: string;
  /** Ids that are not the world's, by parameter. */
  ids?: Record<string, string>;
  query?: string;
  body?: object | string;
  headers?: Record<string, string>;
}

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const UNKNOWN_ID = 'A'.repeat(22);

/** The calls that an operation's examples and the tables of routes have: those that are in order, or not quite. */
export function callsOf(operation: Documented): ApiCall[] {
  return [...goodCalls(operation), ...badCalls(operation)];
}

/** Each body, in each form of the answer; a call without one, with its query and without. */
export function goodCalls(operation: Documented): ApiCall[] {
  const { bodies, responses, parameters } = operation;
  const types = [
    ...new Set(Object.values(responses).flatMap(({ content = {} }) => Object.keys(content))),
  ].filter((type) => type !== 'text/event-stream');
  const examples: ApiCall[] = Object.entries(bodies).flatMap(([type, { examples = {} }]) =>
    Object.entries(examples).map(([title, { value }]) => ({
      what: `example ${title}`,
      body: value as object | string,
      headers: { 'content-type': type },
    })),
  );
  const asked = parameters.filter((one) => one.in === 'query' && one.name !== 'cursor');
  const query = asked.map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`);
  const plain = examples.length > 0 ? examples : [{ what: 'as it is' }];
  const withQuery =
    asked.length > 0 ? [{ ...plain.at(-1), what: 'query', query: query.join('&') }] : [];
  return [...plain, ...withQuery, ...headerCalls(operation, plain)].flatMap((call) =>
    types.length < 2 || call.headers?.['accept'] !== undefined
      ? [call]
      : types.map((type) => ({
          ...call,
          what: `${call.what} as ${type}`,
          headers: { ...call.headers, accept: type },
        })),
  );
}

/** The first call once more with each header that the operation takes. */
function headerCalls({ parameters }: Documented, [call]: readonly ApiCall[]): ApiCall[] {
  const headers = parameters.filter((one) => one.in === 'header' && one.example !== undefined);
  const all = Object.fromEntries(headers.map(({ name, example }) => [name, String(example)]));
  if (call === undefined || headers.length === 0) return [];
  const repeated = { ...call, what: 'with headers', headers: { ...call.headers, ...all } };
  const seenAll = { ...call, what: 'seen all', headers: { 'last-event-id': '999999' } };
  return [repeated, { ...repeated, what: 'repeated' }, seenAll];
}

/** What the operation refuses: ids, queries and bodies that are out of order. */
export function badCalls(operation: Documented): ApiCall[] {
  const { call, parameters, bodies } = operation;
  const good = goodCalls(operation)[0];
  const ids = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
  const asked = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const named = { what: 'unknown ids', ...good };
  return [
    ...ids.map((name) => ({ ...named, ids: { [name]: 'x' } })),
    ...ids.map((name) => ({ ...named, ids: { [name]: unknownId(call, name) } })),
    ...asked.map((name) => ({ ...named, what: `bad ${name}`, query: `${name}=%00&limit=0` })),
    ...(Object.keys(bodies).length > 0 ? badBodies(call, good) : []),
  ];
}

function unknownId(call: string, name: string): string {
  if (name !== 'id') return UNKNOWN;
  if (call.includes('/schedules/')) return `sch_${UNKNOWN_ID}`;
  if (call.includes('/hooks/')) return `hook_${UNKNOWN_ID}`;
  return call.includes('/clients/') ? `cl_${UNKNOWN_ID}` : `imp_${UNKNOWN_ID}`;
}

function badBodies(call: string, good: ApiCall | undefined): ApiCall[] {
  const json = { 'content-type': 'application/json' };
  const row = call.replaceAll(/\{(\w+)\}/g, ':$1');
  const [mistakes] = MISTAKES[row] ?? [];
  const others = ROUTES.filter((route) => route.call === row).flatMap(({ good: body }) =>
    body === undefined ? [] : [{ what: 'as the routes have it', body, headers: json }],
  );
  return [
    ...others,
    ...(mistakes === undefined ? [] : [{ what: 'mistakes', body: mistakes, headers: json }]),
    ...['', '{', '[]', 'null', '"\\ud800"'].map((body) => ({ what: body, body, headers: json })),
    { what: 'another type', body: good?.body ?? '', headers: { 'content-type': 'text/plain' } },
    { what: 'too large', body: { a: 'x'.repeat(MAX_BODY_BYTES) }, headers: json },
  ];
}
