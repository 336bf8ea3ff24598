/** One frame of a stream, before it is text. */
export type Frame = { event: string; data: object };

export const encodeFrame = ({ event, data }: Frame): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export const DONE = 'event: done\ndata: [DONE]\n\n';

/** No blank line after it: Python's SDK takes one for the end of an event without data. */
export const PING = ': ping\n';
