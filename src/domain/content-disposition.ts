/**
 * `Content-Disposition` of a file to be saved (RFC 6266): the name in ASCII for whoever reads no more, and as it is.
 * @param filename any text; what would be a path or a control character becomes `_`
 */
export function attachment(filename: string): string {
  const safe = filename.toWellFormed().replaceAll(/[/\\\p{Cc}]/gu, '_');
  // A quote would end the name, and some browsers decode what follows a percent sign.
  const ascii = safe.replaceAll(/["%]|[^ -~]/gu, '_');
  return `attachment; filename="${ascii}"; filename*=${extendedValue(safe)}`;
}

/** A parameter's value in any characters (RFC 8187, 3.2). */
export function extendedValue(text: string): string {
  // The RFC allows fewer characters bare than encodeURIComponent leaves.
  const encoded = encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `UTF-8''${encoded}`;
}
