import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPage } from './page.ts';

const { text } = await apiPage();
writeFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'api.md'), text);
