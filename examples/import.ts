// Imports a JSONL file and follows its progress: npm run import -- <url> <client key> <file.jsonl>
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { importFile, showProgress } from './api.ts';

const [url, key, path] = process.argv.slice(2);
if (url === undefined || key === undefined || path === undefined) {
  console.error('Usage: npm run import -- <url> <client key> <file.jsonl>');
  process.exit(2);
}
const started = await importFile(url, key, basename(path), new Uint8Array(await readFile(path)));
console.log(`${started.id} is ${started.status}`);
const ended = await showProgress(url, key, started.id);
if (ended.status !== 'completed') {
  console.error(ended.message ?? ended.status);
  process.exit(1);
}
