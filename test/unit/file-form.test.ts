import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileForm } from '../../src/domain/file-form.ts';
import { boundaryOf, MultipartParser } from '../../src/domain/multipart.ts';

const BOUNDARY = 'b5f3b2f0-2f8e-4a61-9a3f-1d2c3b4a5968';
const form = fileForm('rows.jsonl', 'application/jsonl', BOUNDARY);

for (const content of ['', '{"a":1}\n', '\r\n', '--', `\r\n--${BOUNDARY.slice(0, -1)}`]) {
  test(`a form around ${JSON.stringify(content)} is read as that file`, async () => {
    const body = Buffer.concat([form.head, Buffer.from(content), form.tail]);
    const read = await new Response(body, {
      headers: { 'content-type': form.contentType },
    }).formData();
    assert.deepEqual([...read.keys()], ['file']);
    const file = read.get('file');
    assert.ok(file instanceof File);
    assert.equal(file.name, 'rows.jsonl');
    assert.equal(file.type, 'application/jsonl');
    assert.equal(await file.text(), content);
  });
}

test('a form without its tail is not whole', () => {
  const parser = new MultipartParser(boundaryOf(form.contentType) ?? '');
  const kinds = [...parser.push(Buffer.concat([form.head, Buffer.from('{"a":1}\n')]))].map(
    ({ kind }) => kind,
  );
  assert.ok(kinds.includes('part') && !kinds.includes('malformed'));
  assert.equal(parser.isComplete, false);
  assert.deepEqual([...parser.push(form.tail)].at(-1)?.kind, 'data');
  assert.equal(parser.isComplete, true);
});
