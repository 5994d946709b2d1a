import * as z from 'zod/mini';

/**
 * A whole number of a query, from 1.
 * @param fallback what holds where the query has none
 */
const wholeNumber = (fallback: number, max: number) =>
  z._default(
    z.pipe(
      z.pipe(
        z.string().check(z.regex(/^\d{1,10}$/, 'must be a whole number')),
        z.transform((text) => Number(text)),
      ),
      z.int().check(z.minimum(1), z.maximum(max)),
    ),
    fallback,
  );

/** `limit` and `cursor` of a list that is followed by cursors. */
export const cursorFields = (defaultLimit: number, maxLimit: number) => ({
  limit: wholeNumber(defaultLimit, maxLimit),
  cursor: z.optional(z.string()),
});

/** `limit` and `page` of a list whose pages are numbered. */
export const pageFields = () => ({
  limit: wholeNumber(50, 100),
  page: wholeNumber(1, 1_000_000_000),
});
