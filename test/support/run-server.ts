// Runs the Worker until it is killed, with the options for Miniflare that come as JSON on stdin.
import { json } from 'node:stream/consumers';
import { Miniflare, type MiniflareOptions } from 'miniflare';

const options = (await json(process.stdin)) as MiniflareOptions;
const miniflare = new Miniflare({ ...options, handleStructuredLogs: () => undefined });
const { origin } = await miniflare.ready;
console.log(origin);
