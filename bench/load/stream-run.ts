/** A client of the API as thin as one can be: frames of an event stream as they arrive, and requests with an answer. */
import { Agent, request } from 'node:http';
import { heldBack } from '../../src/held-back.ts';

/** Connections are kept, as a client library would. */
const agent = new Agent({ keepAlive: true });

export type Target = { url: string; key: string };

const TERMINAL = /^event: run\.(completed|failed|cancelled)$/m;

/** Told of each frame as it arrives; `enough` ends the reading. */
export type OnFrame = (frame: string, runId: string, enough: () => void) => void;

/**
 * Creates a run and gives each frame of its stream as text to `onFrame`, with the run's id. Resolves with the run's id after the terminal
 * event, which must be `ends`, or when `onFrame` has had enough.
 */
export function streamRun(
  target: Target,
  body: object,
  onFrame: OnFrame = () => undefined,
  ends = 'run.completed',
): Promise<string> {
  return stream(target, { method: 'POST', path: '/v1/runs', body }, onFrame, ends);
}

/** Follows a run that there is, after the event `afterSeq`, to `run.completed`. Resolves when the server has begun its answer. */
export async function followRun(target: Target, runId: string, afterSeq: number): Promise<{ ended: Promise<string> }> {
  const begun = Promise.withResolvers<void>();
  const path = `/v1/runs/${runId}/events?after_seq=${afterSeq}`;
  const ended = stream(target, { method: 'GET', path }, () => undefined, 'run.completed', begun.resolve);
  await Promise.race([begun.promise, ended]);
  return { ended: heldBack(ended) };
}

/** Sends a request whose answer must be a 2xx, and reads it. */
export function send(target: Target, method: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`${target.url}${path}`, { agent, method, headers: headers(target) });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode && response.statusCode < 300
          ? resolve(text)
          : reject(new Error(`${method} ${path}: HTTP ${response.statusCode} ${text}`)),
      );
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function stream(
  target: Target,
  { method, path, body }: { method: string; path: string; body?: object },
  onFrame: OnFrame,
  ends: string,
  onBegun: () => void = () => undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`${target.url}${path}`, {
      ...{ agent, method },
      headers: { ...headers(target), accept: 'text/event-stream' },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      onBegun();
      const runId = String(response.headers['x-run-id']);
      let rest = '';
      let ended = false;
      const enough = () => {
        ended = true;
        resolve(runId);
        response.destroy();
      };
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        const frames = (rest + text).split('\n\n');
        rest = frames.pop() ?? '';
        for (const frame of frames) {
          onFrame(frame, runId, enough);
          const end = TERMINAL.exec(frame);
          if (!end) continue;
          ended = true;
          if (end[0] === `event: ${ends}`) resolve(runId);
          else reject(new Error(`not ${ends}: ${frame}`));
        }
      });
      response.on('error', reject);
      response.on('end', () => ended || reject(new Error(`HTTP ${response.statusCode}, no ${ends}: ${rest}`)));
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const headers = ({ key }: Target) => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
