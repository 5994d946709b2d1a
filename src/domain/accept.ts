/** A media range of `Accept` with its weight from 0 to 1. */
interface MediaRange {
  type: string;
  weight: number;
}

/** The media ranges of an `Accept` header, in lower case and as they stand there. */
export function rangesOf(accept: string): MediaRange[] {
  return accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
  });
}

/**
 * Whether a client would rather have JSON than the type that is sent by default (RFC 9110, 12.5.1): JSON is named with
 * a weight that is not below the default's, and the default is not named with the same. A wildcard is no wish for JSON.
 */
export function prefersJson(accept: string, defaultType: string): boolean {
  const ranges = rangesOf(accept);
  const weightOf = (...types: string[]) =>
    types.map((type) => ranges.find((range) => range.type === type)?.weight).find(isGiven);
  const json = weightOf('application/json') ?? 0;
  const named = weightOf(defaultType);
  if (named !== undefined) return json > named;
  return json > 0 && json >= (weightOf('application/*', '*/*') ?? 0);
}

function isGiven(weight: number | undefined): weight is number {
  return weight !== undefined;
}
