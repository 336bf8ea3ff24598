const MS_PER_SECOND = 1_000;

/** A time as this API writes it: whole seconds since 1970. Takes RFC 3339, or milliseconds since 1970. */
export function unixSeconds(time: string | number): number {
  return Math.floor((typeof time === 'string' ? Date.parse(time) : time) / MS_PER_SECOND);
}

export const unixSecondsOrNull = (time: string | number | null): number | null =>
  time === null ? null : unixSeconds(time);
