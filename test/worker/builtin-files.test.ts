import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import {
  answered,
  BuiltinApi,
  DATASETS,
  file,
  mistakes,
  mistralError,
  NOWHERE,
} from '../support/builtin.ts';
import { startWorker, type TestWorker } from '../support/worker.ts';

const BOUNDARY = 'windsock-test';
const INVALID = mistralError(mistakes);

let worker: TestWorker;
let api: BuiltinApi;

before(async () => {
  worker = await startWorker();
  api = new BuiltinApi(worker, await worker.createClient());
});
after(() => worker.dispose());

/** A part of a form as it goes over the wire; `extra` goes into its Content-Disposition. */
function part(name: string, content: string | Uint8Array, extra = ''): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]);
}
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

const postParts = (...parts: Uint8Array[]) => api.postForm(Buffer.concat(parts), FORM_TYPE);
const uploadedParts = async (...parts: Uint8Array[]) =>
  answered(await postParts(...parts), 200, file);

async function contentOf(fileId: string): Promise<Buffer> {
  const response = await api.send('GET', `/v1/files/${fileId}/content`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/octet-stream');
  return Buffer.from(await response.arrayBuffer());
}

describe('what is uploaded is what is downloaded', () => {
  test('an empty file', async () => {
    const { id, bytes, num_lines } = await api.uploaded('', 'empty.jsonl');
    assert.deepEqual([bytes, num_lines], [0, 0]);
    assert.equal((await contentOf(id)).length, 0);
  });

  test('3 MB of random bytes, sent without a length and streamed back', async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    const form = Buffer.concat([part('file', bytes, '; filename="random.bin"'), END]);
    const pieces = Array.from({ length: Math.ceil(form.length / 50_000) }, (_, n) =>
      form.subarray(n * 50_000, (n + 1) * 50_000),
    );
    const uploaded = await answered(
      await api.postForm(ReadableStream.from(pieces), FORM_TYPE),
      200,
      file,
    );
    assert.equal(uploaded.bytes, bytes.length);
    assert.equal(uploaded.num_lines, null);

    const response = await api.send('GET', `/v1/files/${uploaded.id}/content`);
    const received: Uint8Array[] = [];
    for await (const piece of response.body ?? []) received.push(piece);
    assert.ok(received.length > 1, 'the content comes in pieces');
    assert.ok(bytes.equals(Buffer.concat(received)));
  });

  /** What a parser that looks for the boundary carelessly stumbles over. */
  const nearBoundaries = [
    `--${BOUNDARY}`,
    `\n--${BOUNDARY}--\n`,
    `\r\n--${BOUNDARY.slice(0, -1)}`,
    `\r\n-${BOUNDARY}`,
    `\r\n--${BOUNDARY.toUpperCase()}--`,
    `\r\r\n-\r\n--\r\n--${BOUNDARY.slice(0, 3)}\r\n`,
    `x--${BOUNDARY}--\r`,
    '\r\n\r\n',
    '\r\n--',
  ];
  for (const near of nearBoundaries) {
    test(`bytes like a boundary: ${JSON.stringify(near)}`, async () => {
      // Repeated over odd lengths, so that the look-alike lies across every cut of the stream somewhere.
      const content = Array.from({ length: 600 }, (_, n) => 'x'.repeat((n % 23) + 1) + near).join(
        '',
      );
      const { id } = await uploadedParts(part('file', content, '; filename="near.bin"'), END);
      assert.equal((await contentOf(id)).toString(), content);
    });
  }

  const names = [
    'a b.txt',
    'données.txt',
    "it's (1)*.txt",
    '100%.txt',
    '../up.txt',
    'semi;colon.txt',
  ];
  for (const name of names) {
    test(`the name ${name} comes back in the list and in the download`, async () => {
      const { id, filename } = await api.uploaded('x', name);
      assert.equal(filename, name);
      const response = await api.send('GET', `/v1/files/${id}/content`);
      const disposition = response.headers.get('content-disposition') ?? '';
      const [, encoded = ''] = /^attachment; filename\*=UTF-8''(\S+)$/.exec(disposition) ?? [];
      assert.equal(decodeURIComponent(encoded), name);
      assert.equal(await response.text(), 'x');
    });
  }
});

describe('the form is read however it is laid out', () => {
  test('fields may come after the file', async () => {
    const uploaded = await uploadedParts(
      part('file', 'x', '; filename="first.txt"'),
      part('purpose', 'ocr'),
      part('visibility', 'user'),
      part('expiry', '2'),
      END,
    );
    assert.deepEqual([uploaded.purpose, uploaded.visibility], ['ocr', 'user']);
    const left = (uploaded.expires_at ?? 0) - uploaded.created_at;
    assert.ok(Math.abs(left - 2 * 3600) <= 1, `${left} s left`);
  });

  test('a preamble, an epilogue, unknown parts and a quoted boundary do no harm', async () => {
    const body = [
      Buffer.from('a preamble\r\n'),
      part('unknown', 'read over'),
      part('file', 'the file', '; filename="a.txt"'),
      part('file', 'a second file', '; filename="b.txt"'),
      END,
      Buffer.from('an epilogue'),
    ];
    const type = `Multipart/Form-Data; charset=utf-8; boundary="${BOUNDARY}"`;
    const response = await api.postForm(Buffer.concat(body), type);
    const { id, filename } = await answered(response, 200, file);
    assert.equal(filename, 'a.txt');
    assert.equal((await contentOf(id)).toString(), 'the file');
  });

  test('the answer is the same wherever the stream is cut', async () => {
    const body = Buffer.concat([
      part('purpose', 'batch'),
      part('file', '{"a":1}\n{"b":2}\n', '; filename="cut.jsonl"'),
      END,
    ]);
    const end = body.length - '-\r\n'.length;
    for (let cut = 1; cut < end; cut++) {
      const { status, answer } = await postInTwo(body.subarray(0, cut), body.subarray(cut));
      assert.equal(status, 200, `cut at ${cut}: ${answer}`);
      const { purpose, bytes, num_lines } = file.parse(JSON.parse(answer));
      assert.deepEqual([purpose, bytes, num_lines], ['batch', 16, 2], `cut at ${cut}`);
    }
  });

  const counts: [string, number][] = [
    ['', 0],
    ['{}', 1],
    ['{}\n', 1],
    ['{}\n{}', 2],
    ['{}\r\n{}\r\n', 2],
    ['\n\n', 2],
  ];
  for (const [content, lines] of counts) {
    test(`num_lines of ${JSON.stringify(content)} is ${lines}`, async () => {
      assert.equal((await api.uploaded(content, 'count.jsonl')).num_lines, lines);
      assert.equal((await api.uploaded(content, 'count.txt')).num_lines, null);
    });
  }
});

/** Sends a body as two chunks, which workerd hands on as they came. */
function postInTwo(first: Buffer, second: Buffer): Promise<{ status: number; answer: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; answer: string }>();
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': FORM_TYPE };
  const sent = request(`${api.url}/v1/files`, { method: 'POST', headers }, (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject);
  });
  sent.on('error', reject);
  sent.write(first);
  sent.end(second);
  return promise;
}

describe('a form that is not in order answers 422 and leaves no file', () => {
  const whole = part('file', 'x', '; filename="bad.txt"');
  const withHead = (head: string) => Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\nx\r\n`);
  const forms: [string, Uint8Array[], string?][] = [
    ['no part named file', [part('purpose', 'batch'), END]],
    ['no parts at all', [END]],
    ['nothing', []],
    ['an unknown purpose', [whole, part('purpose', 'nothing'), END]],
    ['an unknown visibility', [whole, part('visibility', 'all'), END]],
    ['an expiry that is no number', [whole, part('expiry', 'soon'), END]],
    ['an expiry of 0', [whole, part('expiry', '0'), END]],
    ['no end', [whole]],
    ['another boundary than declared', [whole, END], `${FORM_TYPE}x`],
    ['no boundary', [whole, END], 'multipart/form-data'],
    ['an empty boundary', [whole, END], 'multipart/form-data; boundary='],
    ['a part without headers', [withHead(''), END]],
    ['a header without a name', [withHead(':\0'), END]],
    ['a part without a name', [withHead('Content-Disposition: form-data'), END]],
    ['a header of 20,000 bytes', [withHead(`X-Long: ${'n'.repeat(20_000)}`), END]],
    ['a field of 5,000 bytes', [whole, part('note', 'n'.repeat(5000)), END]],
    ['31 parts', [whole, ...Array.from({ length: 30 }, (_, n) => part(`p${n}`, '')), END]],
    ['JSON', [Buffer.from('{"file":"x"}')], 'application/json'],
    ['random bytes', [randomBytes(100_000)]],
  ];
  for (const [what, parts, type] of forms) {
    test(what, async () => {
      await answered(await api.postForm(Buffer.concat(parts), type ?? FORM_TYPE), 422, INVALID);
      const list = await api.expect([200, fileList], 'GET', '/v1/files?search=bad.txt');
      assert.deepEqual(list.data, []);
    });
  }
});

const fileList = z.object({ data: z.array(file), total: z.int().nullable() });

/** The part of the namespace of workspaces that a test reaches through Miniflare. */
interface Workspaces {
  getByName: (name: string) => {
    signLink: (fileId: string, expiresAt: number) => Promise<string>;
  };
}

describe('a signed link', () => {
  const refused = z.object({
    error: z.object({ code: z.literal('forbidden'), message: z.string(), request_id: z.string() }),
  });
  const linkTo = async (fileId: string, query = '') => {
    const path = `/v1/files/${fileId}/url${query}`;
    return new URL((await api.expect([200, z.object({ url: z.url() })], 'GET', path)).url);
  };

  test('gives the file to anyone, in bytes and name', async () => {
    const { id } = await api.uploaded('for anyone', 'linked.txt');
    const url = await linkTo(id);
    assert.equal(url.origin, new URL(api.url).origin);
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-disposition') ?? '', /linked\.txt$/);
    assert.equal(await response.text(), 'for anyone');
  });

  const changes: [string, (url: URL, otherId: string) => void][] = [
    [
      'a later expires',
      ({ searchParams: q }) => q.set('expires', `${Number(q.get('expires')) + 1}`),
    ],
    [
      'an earlier expires',
      ({ searchParams: q }) => q.set('expires', `${Number(q.get('expires')) - 1}`),
    ],
    ['an expires that is no number', ({ searchParams: q }) => q.set('expires', 'never')],
    ['no expires', ({ searchParams: q }) => q.delete('expires')],
    ['no signature', ({ searchParams: q }) => q.delete('signature')],
    ['an empty signature', ({ searchParams: q }) => q.set('signature', '')],
    [
      'a shorter signature',
      ({ searchParams: q }) => q.set('signature', q.get('signature')?.slice(1) ?? ''),
    ],
    [
      'one character of the signature changed',
      ({ searchParams: q }) => {
        const [first = '', ...rest] = q.get('signature') ?? '';
        q.set('signature', (first === 'A' ? 'B' : 'A') + rest.join(''));
      },
    ],
    ['another file', (url, otherId) => (url.pathname = url.pathname.replace(/[^/]+$/, otherId))],
    ['an unknown file', (url) => (url.pathname = url.pathname.replace(/[^/]+$/, NOWHERE))],
    ['an id that is none', (url) => (url.pathname += 'x')],
  ];
  for (const [what, change] of changes) {
    test(`is refused with ${what}`, async () => {
      const [{ id }, other] = await Promise.all([api.uploaded('secret'), api.uploaded('other')]);
      const url = await linkTo(id);
      change(url, other.id);
      await answered(await fetch(url), 403, refused);
    });
  }

  test('is refused once the file was deleted, even with a key', async () => {
    const { id } = await api.uploaded('gone');
    const url = await linkTo(id);
    assert.equal((await api.send('DELETE', `/v1/files/${id}`)).status, 200);
    await answered(await fetch(url), 403, refused);
    await answered(await api.send('GET', url.pathname + url.search), 403, refused);
  });

  test('is refused once it has expired', async () => {
    const { id } = await api.uploaded('expired');
    const url = await linkTo(id, '?expiry=1');
    // An hour cannot be waited for: the workspace itself signs a link that ends in the past.
    const namespace = await worker.miniflare.getDurableObjectNamespace('WORKSPACE');
    const workspace = (namespace as unknown as Workspaces).getByName('default');
    for (const [expires, status] of [
      [Date.now() + 60_000, 200],
      [Date.now() - 1, 403],
    ] as const) {
      url.searchParams.set('expires', `${expires}`);
      url.searchParams.set('signature', await workspace.signLink(id, expires));
      const response = await fetch(url);
      assert.equal(response.status, status, await response.text());
    }
  });

  test('lives for the hours asked for: 24 by default, 1 to 168', async () => {
    const { id } = await api.uploaded('x');
    for (const [query, hours] of [
      ['', 24],
      ['?expiry=1', 1],
      ['?expiry=168', 168],
    ] as const) {
      const left = Number((await linkTo(id, query)).searchParams.get('expires')) - Date.now();
      assert.ok(Math.abs(left - hours * 3_600_000) < 60_000, `${query}: ${left} ms left`);
    }
    for (const expiry of ['0', '169', '-1', '1.5', 'x']) {
      await api.expect([422, INVALID], 'GET', `/v1/files/${id}/url?expiry=${expiry}`);
    }
  });
});

describe('the list of files', () => {
  const made: Record<string, string> = {
    'List-A.jsonl': 'batch',
    'list-b.txt': 'ocr',
    'list-c.bin': 'batch',
  };
  before(async () => {
    for (const [name, purpose] of Object.entries(made)) await api.uploaded('x', name, { purpose });
    const name = 'list of records';
    const datasetId = await api.createDataset(name);
    await api.send('GET', `${DATASETS}/${datasetId}/exports/to-jsonl`);
  });

  const filters: [string, string[]][] = [
    ['search=LIST-', ['List-A.jsonl', 'list-b.txt', 'list-c.bin', 'list-of-records.jsonl']],
    ['search=list-b', ['list-b.txt']],
    ['search=list%25', []],
    ['search=list-&purpose=batch&source=upload', ['List-A.jsonl', 'list-c.bin']],
    ['search=list-&purpose=ocr', ['list-b.txt']],
    ['search=list-&source=mistral', ['list-of-records.jsonl']],
    ['search=list-&source=repository', []],
    ['search=list-&source=upload&source=mistral&purpose=ocr', ['list-b.txt']],
    ['search=list-&mimetypes=application/jsonl&source=upload', ['List-A.jsonl']],
  ];
  for (const [query, expected] of filters) {
    test(`filtered by ${query}`, async () => {
      const { data, total } = await api.expect([200, fileList], 'GET', `/v1/files?${query}`);
      assert.deepEqual(data.map(({ filename }) => filename).toSorted(), expected);
      assert.equal(total, expected.length);
    });
  }

  test('pages count from 0 and hold every file once', async () => {
    const seen = [];
    for (const [page, size] of [2, 2, 0].entries()) {
      const path = `/v1/files?search=list-&page_size=2&page=${page}`;
      const { data, total } = await api.expect([200, fileList], 'GET', path);
      assert.equal(data.length, size);
      assert.equal(total, 4);
      seen.push(...data.map(({ filename }) => filename));
    }
    assert.deepEqual(seen.toSorted(), [...Object.keys(made), 'list-of-records.jsonl']);
  });

  test('the total is left out where it is not wanted', async () => {
    const { total } = await api.expect([200, fileList], 'GET', '/v1/files?include_total=false');
    assert.equal(total, null);
  });

  for (const query of [
    'page=-1',
    'page=x',
    'page_size=-1',
    'purpose=nothing',
    'include_total=maybe',
  ]) {
    test(`${query} answers 422`, async () => {
      await api.expect([422, INVALID], 'GET', `/v1/files?${query}`);
    });
  }
});
