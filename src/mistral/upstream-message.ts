import * as z from 'zod/mini';
import { parseJson } from '../domain/json.ts';

const MAX_EXCERPT = 500;

/** The mistakes of a body, as `HTTPValidationError` lists them → `temperature: Input should be …; …`. */
const mistakes = z.lazy(() =>
  z.pipe(
    z
      .array(
        z.object({
          loc: z._default(z.array(z.union([z.string(), z.number()])), []),
          msg: z.string(),
        }),
      )
      .check(z.minLength(1)),
    z.transform((list) =>
      list
        .map(({ loc, msg }) => {
          const place = loc[0] === 'body' ? loc.slice(1) : loc;
          return place.length === 0 ? msg : `${place.join('.')}: ${msg}`;
        })
        .join('; '),
    ),
  ),
);

const errorSchema = z.lazy(() =>
  z.union([
    z.pipe(
      z.object({ detail: z.object({ message: z.string() }) }),
      z.transform((body) => body.detail.message),
    ),
    z.pipe(
      z.object({ detail: z.string() }),
      z.transform((body) => body.detail),
    ),
    z.pipe(
      z.object({ detail: mistakes }),
      z.transform((body) => body.detail),
    ),
    z.pipe(
      z.object({ message: z.string() }),
      z.transform((body) => body.message),
    ),
    z.pipe(
      z.object({ message: z.object({ detail: mistakes }) }),
      z.transform((body) => body.message.detail),
    ),
  ]),
);

/** The upstream's own message out of any of its error shapes; null where the body has none of them. */
export function messageIn(body: string): string | null {
  return errorSchema.safeParse(parseJson(body)).data ?? null;
}

/** What the upstream said: its message, or else the beginning of the body. */
export function upstreamMessage(body: string): string {
  return messageIn(body) ?? wordsOf(body);
}

function wordsOf(body: string): string {
  return body.slice(0, MAX_EXCERPT) || 'The Mistral API gave no reason.';
}
