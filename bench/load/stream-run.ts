/** A client of the API as thin as one can be: a run is created and its events are read from the answer. */
import { Agent, request } from 'node:http';

/** Connections are kept, as a client library would. */
const agent = new Agent({ keepAlive: true });

export type Target = { url: string; key: string };

/** Creates a run and gives each frame of its stream as text to `onFrame` as it arrives. Resolves with the run's id after `run.completed`. */
export function streamRun({ url, key }: Target, body: object, onFrame: (frame: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/runs`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        accept: 'text/event-stream',
      },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let rest = '';
      let completed = false;
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        const frames = (rest + text).split('\n\n');
        rest = frames.pop() ?? '';
        for (const frame of frames) {
          onFrame(frame);
          if (frame.includes('event: run.completed')) {
            completed = true;
            resolve(String(response.headers['x-run-id']));
          }
        }
      });
      response.on('error', reject);
      response.on(
        'end',
        () => completed || reject(new Error(`HTTP ${response.statusCode}, no run.completed: ${rest}`)),
      );
    });
    sent.end(JSON.stringify(body));
  });
}
