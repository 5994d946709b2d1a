import en from 'zod/v4/locales/en.js';
import * as z from 'zod/mini';

// The words for a mistake where a schema has none of its own: without them `zod/mini` says "Invalid input" to all.
// Whatever shows a schema's messages imports this file. Not `z.locales.en`, which brings every language along.
z.config(en());
