/** A run that gives parts of its work to two others, side by side: one of them asks its human, and its parent hears one more wish. */
import type { Created, RunDetails, RunRow } from '../../src/runs/types.ts';
import type { Stage } from '../stage.ts';

const PLAN = '/ask In which month do you sail?\n/say Then I plan it.';
const PACK = '/say Oilskins, a torch and a knife.';

/** What the demo models are to do, the children's parts in the arguments. With real models all this is plain words. */
const SCRIPT = [
  '/say I have the plan and the packing list made side by side.',
  '/parallel',
  `/tool run_agent ${JSON.stringify({ persona: 'planner', input: PLAN })}`,
  `/tool run_agent ${JSON.stringify({ persona: 'packer', input: PACK })}`,
].join('\n');

/** The demo model plays the newest message: this one has it give out another part, in place of ending. */
const ONE_MORE_WISH = `/tool run_agent ${JSON.stringify({ persona: 'packer', input: '/say Biscuits for six.' })}`;

export async function play({ api, follow, beside, say, check }: Stage): Promise<void> {
  const { run_id: lead } = await api.post<Created>('/v1/runs', { persona_id: 'lead', input: SCRIPT });

  let output = '';
  for await (const event of follow(lead, 'lead')) {
    if (event.type === 'run.completed') output = event.data.output;
    // A parent's events name each child when it is made; a child's own events are read like those of any run.
    if (event.type !== 'tool.progress') continue;
    const { run_id, persona_id = '' } = event.data;
    if (run_id) beside(() => watchChild(run_id, persona_id));
  }

  async function watchChild(child: string, persona: string): Promise<void> {
    for await (const event of follow(child, persona)) {
      if (event.type === 'run.waiting_for_input') await answerThroughParent();
    }
  }

  /** Whoever knows the parent alone finds what its children ask there, each with the run that takes the answer. */
  async function answerThroughParent(): Promise<void> {
    const { status, pending_inputs } = await api.get<RunDetails>(`/v1/runs/${lead}`);
    const [request] = pending_inputs;
    check(
      status === 'running' && request?.kind === 'question',
      "the lead shows its child's question, and is not waiting",
    );
    if (!request) return;

    say('one more wish, to the lead: its next turn takes it');
    await api.post(`/v1/runs/${lead}/messages`, { content: ONE_MORE_WISH });
    say('the person answers the child: In June.');
    await api.post(`/v1/runs/${request.run_id}/input`, { request_id: request.request_id, content: 'In June.' });
  }

  const children = await api.get<RunRow[]>(`/v1/runs?parent_run_id=${lead}`);
  check(children.length === 3 && children.every((run) => run.status === 'completed'), 'three children completed');
  check(output.includes('Biscuits for six.'), 'the lead took the message, and answered it');
}
