/** What an HTTP answer of the native API says when it refuses. */
import { z } from 'zod';
import { HoldfastError } from '../errors.ts';

const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  trace_id: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

const QUOTED_CHARACTERS = 200;

/**
 * The HoldfastError that `response` stands for: code and message of its body; in `details` those of the body with `status` and
 * `trace_id`. An answer that is not the contract's, such as a proxy's, becomes `client.unexpected_answer`.
 */
export async function responseError(response: Response): Promise<HoldfastError> {
  const text = await response.text();
  const body = errorBody.safeParse(parseJson(text)).data;
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new HoldfastError(
    body?.code ?? 'client.unexpected_answer',
    body?.message ?? `HTTP ${response.status} from ${response.url}: ${text.slice(0, QUOTED_CHARACTERS)}`,
    {
      details: {
        ...body?.details,
        status: response.status,
        trace_id: body?.trace_id ?? response.headers.get('x-trace-id') ?? undefined,
      },
      ...(Number.isFinite(retryAfterS) && { retryAfterS }),
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not the contract's error body: told apart by the schema
  }
}
