import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiPage } from '../support/api-doc/page.ts';
import { callsIn } from '../support/registered-calls.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'api.md');

test('docs/api.md shows the real answer to a call of every route; `npm run docs:api` writes it anew', async () => {
  const { text, shown } = await apiPage();
  assert.equal(text, readFileSync(PAGE, 'utf8'));
  const routes = new Set(callsIn('http/app.ts').filter((call) => !call.startsWith('ALL ')));
  assert.equal(shown.size, routes.size);
});
