/** Bytes of one answer: three times what the longest answer we ask for takes, one event to a token, and none has more to say. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Of an error's words only the beginning is of use. */
const MAX_ERROR_BYTES = 64 * 1024;

/** An answer without an end, as a model in a loop gives it. */
export class AnswerTooLarge extends Error {
  constructor(bytes: number) {
    super(`the answer is longer than ${bytes} bytes`);
  }
}

/**
 * Fetches from a model server. Never goes where it sends us: the request holds the work and the key. Never reads more than
 * an answer can need.
 * @param maxBytes of an answer
 */
export function boundedFetch(maxBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    if (response.body === null) return response;
    const body = response.ok
      ? response.body.pipeThrough(atMost(maxBytes, (stream) => stream.error(new AnswerTooLarge(maxBytes))))
      : response.body.pipeThrough(atMost(MAX_ERROR_BYTES, (stream) => stream.terminate()));
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}

function atMost(
  bytes: number,
  over: (stream: TransformStreamDefaultController<Uint8Array>) => void,
): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, stream) {
      left -= chunk.byteLength;
      if (left >= 0) stream.enqueue(chunk);
      else over(stream);
    },
  });
}
