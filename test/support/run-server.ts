// Runs the Worker until it is killed: node run-server.ts <port> <state folder> <vars as JSON>
import { Miniflare } from 'miniflare';
import { workerOptions } from './worker.ts';

const [port, stateFolder, vars] = process.argv.slice(2);
const miniflare = new Miniflare(
  workerOptions(JSON.parse(vars ?? '{}') as Record<string, string>, Number(port), stateFolder),
);
const { origin } = await miniflare.ready;
console.log(origin);
