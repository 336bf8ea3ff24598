import { expect, test } from 'vitest';
import { createLog } from './log.ts';

function lines(level: Parameters<typeof createLog>[0]) {
  const written: string[] = [];
  const log = createLog(level, { write: (line) => written.push(line) });
  return { log, written };
}

test('a line is one JSON object with a level in words', () => {
  const { log, written } = lines('info');
  log.info({ run_id: 'run_1' }, 'started');
  log.debug('not at this level');
  expect(written).toHaveLength(1);
  expect(JSON.parse(written[0] ?? '')).toMatchObject({ level: 'info', run_id: 'run_1', msg: 'started' });
});

test('keys and authorization headers are not written', () => {
  const { log, written } = lines('info');
  const secret = 'sk-secret';
  log.info({ authorization: secret, apiKey: secret, headers: { authorization: `Bearer ${secret}` } });
  log.info({
    req: { headers: { authorization: secret } },
    route: { api_key: secret },
    config: { databaseUrl: secret },
  });
  log.child({ token: secret }).warn('child');
  expect(written).toHaveLength(3);
  expect(written.join('')).not.toContain(secret);
  expect(written[0]).toContain('[secret]');
});
