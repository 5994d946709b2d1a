import type { AppContext } from './context.ts';

/**
 * Names the next page of a list in the answer's `Link` header (RFC 8288): this request's URL with one parameter of its
 * query set, as a relative reference.
 * @param value of the parameter on the next page; with null there is none, and no header
 */
export function linkNext(c: AppContext, parameter: string, value: string | number | null): void {
  if (value === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set(parameter, String(value));
  c.header('link', `<${url.pathname}${url.search}>; rel="next"`);
}
