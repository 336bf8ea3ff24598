import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_OUTPUT_BYTES } from '../../src/cut-output.ts';
import { httpRequestTool } from '../../src/tools/http-request.ts';
import { isPublicAddress, type Resolve } from '../../src/tools/http-request-hosts.ts';
import { callPolicy, type Tool, ToolCancelled, type ToolContext, type ToolOutcome } from '../../src/tools/tool.ts';
import { until } from '../support/until.ts';
import { contextOf } from './bench.ts';

async function serve(listener: RequestListener): Promise<{ port: number; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function toolFor(hosts: string[], options: Parameters<typeof httpRequestTool>[1] = {}): Tool {
  const tool = httpRequestTool(hosts, options);
  if (tool === undefined) throw new Error('the tool is off');
  return tool;
}

const ask = async (hosts: string[], args: unknown, context: Partial<ToolContext> = {}): Promise<ToolOutcome> =>
  await toolFor(hosts).execute(args, contextOf(context));

test('without listed hosts there is no such tool', () => {
  expect(httpRequestTool([])).toBeUndefined();
});

test('an answer is given as status, content type and body, whatever the status', async () => {
  const { port } = await serve((_, response) => {
    response.writeHead(404, { 'content-type': 'application/json', 'x-internal': 'a' }).end('{"no":1}');
  });
  const outcome = await ask(['localhost'], { url: `http://localhost:${port}/a` });
  expect(outcome).toEqual({ status: 'ok', output: 'HTTP 404\ncontent-type: application/json\n\n{"no":1}' });
});

test('method, headers and body are sent', async () => {
  const { port, seen } = await serve((request, response) => {
    request.pipe(response.writeHead(200, { 'content-type': 'text/plain' }));
  });
  const url = `http://127.0.0.1:${port}/a?b=c`;
  const outcome = await ask(['127.0.0.1'], { url, method: 'PUT', headers: { 'X-Key': 'k' }, body: 'grüße' });
  expect(outcome.output).toBe('HTTP 200\ncontent-type: text/plain\n\ngrüße');
  expect(seen[0]).toMatchObject({ method: 'PUT', url: '/a?b=c' });
  expect(seen[0]?.headers).toMatchObject({ 'x-key': 'k', host: `127.0.0.1:${port}`, 'accept-encoding': 'identity' });
});

test('a GET may be repeated and needs no approval by hint; a POST may not and does', () => {
  const tool = toolFor(['a.example']);
  const url = 'https://a.example';
  expect(callPolicy(tool, { url })).toEqual({ may_repeat: true, needs_approval_hint: false });
  expect(callPolicy(tool, { url, method: 'HEAD' })).toEqual({ may_repeat: true, needs_approval_hint: false });
  expect(callPolicy(tool, { url, method: 'POST' })).toEqual({ may_repeat: false, needs_approval_hint: true });
  expect(callPolicy(tool, { url, method: 'get' })).toEqual({ may_repeat: false, needs_approval_hint: true });
  const harmless = httpRequestTool(['example.com'], { sideEffects: false }) as Tool;
  expect(callPolicy(harmless, { url, method: 'POST' })).toEqual({ may_repeat: true, needs_approval_hint: false });
  const harmful = httpRequestTool(['example.com'], { sideEffects: true }) as Tool;
  expect(callPolicy(harmful, { url })).toEqual({ may_repeat: false, needs_approval_hint: true });
});

test.each([
  ['a host that is not listed', 'http://b.example/'],
  ['another form of a listed host', 'http://a.example.evil.example/'],
  ['another port than the listed one', 'http://c.example:81/'],
  ['another protocol', 'ftp://a.example/'],
  ['credentials in the address', 'http://u:p@a.example/'],
  ['loopback by number', 'http://2130706433/'],
  ['loopback mapped into IPv6', 'http://[::ffff:127.0.0.1]/'],
  ['the metadata service', 'http://169.254.169.254/latest/'],
  ['no address at all', 'a.example'],
])('%s is refused', async (_, url) => {
  const outcome = await ask(['a.example', 'c.example:80'], { url });
  expect(outcome.status).toBe('error');
  expect(outcome.output).toMatch(/not allowed|Only http|credentials|complete address/);
});

/** A name server under a stranger's control: each look-up of a name gets the next of these answers. */
function nameServer(...answers: string[][]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (hostname, _, callback) => {
    asked.push(hostname);
    const addresses = answers.shift() ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  };
  return { resolve, asked };
}

test.each([
  ['a private address', ['127.0.0.1']],
  ['a private address among public ones', ['8.8.8.8', '127.0.0.1']],
  ['a private address written as IPv6', ['::ffff:127.0.0.1']],
])('a listed name that has %s is refused, and nothing connects', async (_, addresses) => {
  const { port, seen } = await serve((_request, response) => void response.end('reached'));
  const tool = toolFor(['a.example'], { resolve: nameServer(addresses).resolve });
  const outcome = await tool.execute({ url: `http://a.example:${port}/` }, contextOf());
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('private address') });
  expect(seen).toEqual([]);
});

test('the address that was checked is the one that is connected to: a name is looked up once for a connection', async () => {
  const { port, seen } = await serve((_, response) => void response.writeHead(302, { location: '/again' }).end());
  const { resolve, asked } = nameServer(['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1']);
  const tool = toolFor(['a.example', '127.0.0.1'], { resolve });
  const outcome = await tool.execute({ url: `http://a.example:${port}/` }, contextOf());
  // The first connection went to the first answer; the redirect looked again, and the second answer was refused.
  expect(seen.map(({ url }) => url)).toEqual(['/']);
  expect(asked).toEqual(['a.example', 'a.example']);
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('10.0.0.1') });
});

test('a private address that is listed as such may be reached by its number', async () => {
  const { port } = await serve((_, response) => void response.end('reached'));
  expect((await ask([`127.0.0.1:${port}`], { url: `http://127.0.0.1:${port}/` })).output).toContain('reached');
});

test('addresses count as public only when the whole internet can reach them', () => {
  const special = [
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '127.0.0.1',
    '0.0.0.0',
    '169.254.1.1',
    '100.64.0.1',
    '224.0.0.1',
  ];
  const special6 = ['::1', '::', 'fe80::1', 'fd00::1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '2002:7f00:1::', 'ff02::1'];
  expect([...special, ...special6].filter(isPublicAddress)).toEqual([]);
  const open = ['8.8.8.8', '172.32.0.1', '2606:4700::1111'];
  expect(open.filter(isPublicAddress)).toEqual(open);
});

test('a redirect within the listed hosts is followed, without the headers that were meant for the first', async () => {
  const second = await serve((_, response) => void response.end('arrived'));
  const first = await serve((_, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${second.port}/b` }).end();
  });
  const args = { url: `http://localhost:${first.port}/`, headers: { authorization: 'Bearer k', 'x-key': 'k' } };
  expect((await ask(['localhost', '127.0.0.1'], args)).output).toContain('arrived');
  expect(first.seen[0]?.headers).toMatchObject({ authorization: 'Bearer k', 'x-key': 'k' });
  expect(second.seen[0]?.headers).not.toHaveProperty('authorization');
  expect(second.seen[0]?.headers).not.toHaveProperty('x-key');
});

test('a redirect to a host that is not listed is refused, and nothing connects', async () => {
  const second = await serve((_, response) => void response.end('arrived'));
  const first = await serve((_, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${second.port}/` }).end();
  });
  const outcome = await ask(['localhost'], { url: `http://localhost:${first.port}/` });
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('not allowed') });
  expect(second.seen).toEqual([]);
});

test('redirects end somewhere', async () => {
  const { port, seen } = await serve((_, response) => void response.writeHead(302, { location: '/' }).end());
  const outcome = await ask(['localhost'], { url: `http://localhost:${port}/` });
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('more than 5 redirects') });
  expect(seen).toHaveLength(6);
});

test('a long body is cut, the rest of it not read', async () => {
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    const write = (): boolean => response.writable && response.write('é'.repeat(10_000)) && write();
    response.on('drain', write);
    write();
  });
  const { status, output } = await ask(['localhost'], { url: `http://localhost:${port}/` });
  expect(status).toBe('ok');
  expect(Buffer.byteLength(output)).toBeLessThanOrEqual(MAX_OUTPUT_BYTES);
  expect(output).toMatch(/é\n\[output cut: the first \d+ of more than \d+ bytes\]$/);
});

test('what is no text becomes a marker', async () => {
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.alloc(1234));
  });
  const { output } = await ask(['localhost'], { url: `http://localhost:${port}/` });
  expect(output).toBe('HTTP 200\ncontent-type: image/png\n\n[body of 1234 bytes, no text]');
});

test.each(['Host', 'connection', 'Transfer-Encoding', 'proxy-authorization', 'content-length'])(
  'the header %s is refused',
  async (name) => {
    const outcome = await ask(['a.example'], { url: 'http://a.example/', headers: { [name]: 'x' } });
    expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('cannot be set') });
  },
);

test('arguments that do not fit are an error result', async () => {
  const outcome = await ask(['a.example'], { url: 'http://a.example/', method: 'STEAL' });
  expect(outcome).toMatchObject({ status: 'error', output: expect.stringContaining('arguments/method') });
});

test('a server that does not answer is a timeout', async () => {
  const { port } = await serve(() => undefined);
  const outcome = await toolFor(['localhost'], { timeoutS: 0.2 }).execute(
    { url: `http://localhost:${port}/` },
    contextOf(),
  );
  expect(outcome).toEqual({ status: 'timeout', output: `localhost:${port} did not answer within 0.2 s.` });
});

test('a cancelled request ends at once and closes its connection', async () => {
  const { port, seen } = await serve(() => undefined);
  const controller = new AbortController();
  const failed = ask(['localhost'], { url: `http://localhost:${port}/` }, { signal: controller.signal });
  const assertion = expect(failed).rejects.toThrow(ToolCancelled);
  await until(() => seen.length > 0, 'the request has arrived');
  controller.abort();
  await assertion;
  await until(() => seen[0]?.destroyed, 'the connection is closed');
});

test('a POST whose connection breaks off has an unknown outcome, a GET an error', async () => {
  const { port } = await serve((request) => void request.socket.destroy());
  const url = `http://localhost:${port}/`;
  expect((await ask(['localhost'], { url, method: 'POST', body: 'x' })).status).toBe('unknown');
  expect((await ask(['localhost'], { url })).status).toBe('error');
});
