/** Words for what zod refuses: always what was expected, never what was received, which may be a secret. */
import type { z } from 'zod';

/** One line for one issue. Messages that a schema gives itself are kept. */
export function describeIssue(issue: z.core.$ZodIssue, present: boolean): string {
  const missing = present ? '' : 'missing, ';
  switch (issue.code) {
    case 'invalid_type':
      return `${missing}expected ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `${missing}expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'expected a text that is not empty';
      if (issue.origin === 'array') return issue.message;
      return `expected a number ${issue.inclusive ? 'of at least' : 'greater than'} ${issue.minimum}`;
    case 'too_big':
      return `expected a number of at most ${issue.maximum}`;
    case 'invalid_key':
      return 'expected a name without spaces, / and *';
    default:
      return issue.message;
  }
}

const TYPE_WORDS: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'an integer',
  number: 'a number',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
  string: 'a text',
};
