// Imports a JSONL file and follows its progress: npm run import -- <url> <client key> <file.jsonl>
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { importFile, showProgress } from './api.ts';

const [address, key, path] = process.argv.slice(2);
if (address === undefined || key === undefined || path === undefined) {
  console.error('Usage: npm run import -- <url> <client key> <file.jsonl>');
  process.exit(2);
}
const url = address.replace(/\/+$/, '');
let id: string | null = null;
try {
  const started = await importFile(url, key, basename(path), new Uint8Array(await readFile(path)));
  ({ id } = started);
  console.log(`${id} is ${started.status}`);
  const ended = await showProgress(url, key, id);
  if (ended.status !== 'completed') {
    console.error(ended.message ?? ended.status);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (id !== null) {
    const curl = `curl ${url}/imports/${id} -H "authorization: Bearer ${key}"`;
    console.error(`The connection broke; the import goes on. How far it is:\n  ${curl}`);
  }
  process.exitCode = 1;
}
