import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Result } from './report.ts';

const point = z.tuple([z.number(), z.number()]);

const schema: z.ZodType<Result> = z.object({
  date: z.iso.datetime(),
  quick: z.boolean(),
  ...{ node: z.string(), holdfast: z.string(), cpu: z.string() },
  ...{ cores: z.number(), memory_gib: z.number(), load_before: z.number() },
  temporal: z.record(z.string(), z.string()),
  took: z.record(z.string(), z.number()),
  measured: z.array(
    z.object({
      form: z.enum(['embedded', 'apart']),
      ...{ row: z.string(), what: z.string(), unit: z.string() },
      // What could not be measured is NaN, which JSON has as null: refused here.
      ...{ holdfast: z.number(), against: z.number().optional() },
      ...{ goal: z.number().optional(), guard: z.number().optional(), curve: z.array(point).optional() },
      at: z.number().optional(),
    }),
  ),
});

/** Reads what `npm run bench` wrote. Throws an error that names the file when it is something else, or lacks a figure. */
export function readResult(path: string): Result {
  const { data, error } = schema.safeParse(parsed(path));
  if (error) throw new Error(`${path}: ${z.prettifyError(error)}`);
  return data;
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path} cannot be read as JSON`, { cause });
  }
}
