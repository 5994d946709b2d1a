/** What stands around the bytes of one file to make them a form. */
export interface FileForm {
  /** The `content-type` of the body. */
  contentType: string;
  head: Uint8Array;
  tail: Uint8Array;
}

const utf8 = new TextEncoder();

/**
 * A multipart/form-data body (RFC 7578) whose only part is the file: head, bytes of the file, tail.
 * @param filename without quotes or line ends
 * @param type media type of the file
 * @param boundary long and random enough not to occur in the file
 */
export function fileForm(filename: string, type: string, boundary: string): FileForm {
  const head = [
    `--${boundary}`,
    `content-disposition: form-data; name="file"; filename="${filename}"`,
    `content-type: ${type}`,
    '',
    '',
  ];
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    head: utf8.encode(head.join('\r\n')),
    tail: utf8.encode(`\r\n--${boundary}--\r\n`),
  };
}
