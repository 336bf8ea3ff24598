/** How a waiting run is answered, in commands that can be typed. */
import type { InputRequest } from '../client/run-event.ts';
import type { RequestKind } from '../runs/types.ts';

const ANSWERS: Record<Exclude<RequestKind, 'tool_outputs'>, string[]> = {
  question: ['"<your answer>"'],
  approval: ['approve', 'deny', '"deny: <reason>"'],
  budget: ['stop', 'raise', `'raise {"max_cost_usd": 5}'`],
  unknown_outcome: ['retry', 'skip', '"result: <text>"'],
};

/** Lines for the person who sees `request` of the run `runId`. */
export function howToAnswer(runId: string, request: InputRequest, baseUrl: string): string[] {
  const until = `until ${request.expires_at}`;
  if (request.kind === 'tool_outputs') {
    const outputs = (request.tool_calls ?? []).map(({ call_id }) => ({ call_id, output: '…' }));
    return [
      `waits for the outputs of its client's tools, ${until}:`,
      `  curl ${baseUrl}/v1/runs/${runId}/input -H "Authorization: Bearer $HOLDFAST_API_KEY" \\`,
      `    -H 'Content-Type: application/json' -d '${JSON.stringify({ tool_outputs: outputs })}'`,
    ];
  }
  const commands = (ANSWERS[request.kind] ?? ['"<your answer>"']).map((answer) => {
    return `  holdfast answer ${runId} ${answer} --request ${request.request_id}`;
  });
  return [`waits for an answer, ${until}:`, ...commands];
}
