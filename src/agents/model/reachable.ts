/**
 * Whether a model server is there and takes the key. Asks for its list of models, which costs nothing anywhere; a server
 * that keeps no such list and says so is there too.
 * @throws Error saying why not
 */
export async function lookAtModel(
  { baseUrl, apiKey }: { readonly baseUrl: string; readonly apiKey: string | null },
  signal: AbortSignal,
): Promise<void> {
  const answer = await fetch(`${baseUrl.replace(/\/$/, '')}/models`, {
    headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
    // A key is for that server, wherever it may send us.
    redirect: 'manual',
    signal,
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new Error(`${baseUrl} does not answer${cause}`);
  });
  await answer.body?.cancel();
  if (answer.status >= 300 && answer.status < 400)
    throw new Error(`${baseUrl} sends its callers elsewhere; set OPENAI_BASE_URL to where it is`);
  if (answer.status === 401 || answer.status === 403) throw new Error(`${baseUrl} does not accept the key`);
  if (answer.status >= 500) throw new Error(`${baseUrl} answers with ${answer.status}`);
}
