import en from 'zod/v4/locales/en.js';
import * as z from 'zod/mini';

// The messages of schemas that name none of their own. `zod/mini` knows no language until it is told one, and says
// "Invalid input" to everything. Imported for this effect by whatever shows messages; `z.locales` holds all languages.
z.config(en());
