/**
 * One page of keys. KV throws on a cursor that it did not give, and such a cursor may come from a client: where a
 * cursor was given, a throw is put down to it.
 */
export async function listPage<Metadata>(
  kv: KVNamespace,
  options: { prefix: string; limit: number; cursor: string | null },
): Promise<KVNamespaceListResult<Metadata> | 'bad_cursor'> {
  try {
    return await kv.list<Metadata>(options);
  } catch (error) {
    if (options.cursor === null) throw error;
    return 'bad_cursor';
  }
}
