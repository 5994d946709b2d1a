import * as z from 'zod';
import { parseJson } from '../domain/json.ts';

const MAX_EXCERPT = 500;

/** The mistakes of a body, as `HTTPValidationError` lists them → `temperature: Input should be …; …`. */
const mistakes = z.lazy(() =>
  z
    .array(
      z.object({
        loc: z.array(z.union([z.string(), z.number()])).default([]),
        msg: z.string(),
      }),
    )
    .min(1)
    .transform((list) =>
      list
        .map(({ loc, msg }) => {
          const place = loc[0] === 'body' ? loc.slice(1) : loc;
          return place.length === 0 ? msg : `${place.join('.')}: ${msg}`;
        })
        .join('; '),
    ),
);

const errorSchema = z.lazy(() =>
  z.union([
    z
      .object({ detail: z.object({ message: z.string() }) })
      .transform((body) => body.detail.message),
    z.object({ detail: z.string() }).transform((body) => body.detail),
    z.object({ detail: mistakes }).transform((body) => body.detail),
    z.object({ message: z.string() }).transform((body) => body.message),
    z.object({ message: z.object({ detail: mistakes }) }).transform((body) => body.message.detail),
  ]),
);

/** The upstream's own message out of any of its error shapes. */
export function upstreamMessage(body: string): string {
  const parsed = errorSchema.safeParse(parseJson(body));
  if (parsed.success) return parsed.data;
  return body.slice(0, MAX_EXCERPT) || 'The Mistral API gave no reason.';
}
