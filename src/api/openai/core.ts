import type { Holdfast } from '../../runs/holdfast.ts';

/** What of the core these endpoints use. A dialect that shares them may hand in one that calls things by other names. */
export type AssistantsCore = Pick<
  Holdfast,
  | 'answerAll'
  | 'cancelRun'
  | 'createMessage'
  | 'createPersona'
  | 'createRun'
  | 'createThread'
  | 'deleteMessage'
  | 'deletePersona'
  | 'deleteThread'
  | 'follow'
  | 'getMessage'
  | 'getThread'
  | 'listRequests'
  | 'milestones'
  | 'newestPersona'
  | 'pageMessages'
  | 'pagePersonas'
  | 'pageRuns'
  | 'routes'
  | 'runPicture'
  | 'updateMessage'
  | 'updatePersona'
  | 'updateRun'
  | 'updateThread'
>;
